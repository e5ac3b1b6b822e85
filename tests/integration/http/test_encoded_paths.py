"""Encoded slashes through the real server, which gives the path as it was sent beside the decoded one."""

import json
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.conftest import make_database
from tests.support.app import SECRET
from tests.support.serve_process import serving

PATH = "/api/languages/de/translations"


@pytest.fixture
async def database(server_url: str) -> str:
    """The URL of the service's own database."""
    return await make_database(server_url, "encoded_paths")


def test_an_encoded_slash_is_part_of_a_translations_key_and_of_no_other_path(work_dir: Path, database: str) -> None:
    with serving(work_dir, work_dir, DATABASE_URL=database) as service:
        connection = HTTPConnection("127.0.0.1", service.port)
        headers = {"Content-Type": "application/json"}

        def call(method: str, path: str, body: object = None, **more: str) -> tuple[int, dict[str, str], str]:
            encoded = None if body is None else json.dumps(body)
            connection.request(method, path, encoded, {**headers, **more})
            answer = connection.getresponse()
            # Of two `Set-Cookie` headers the first has the session.
            return answer.status, dict(reversed(answer.getheaders())), answer.read().decode()

        token = service.out[1].partition("#token=")[2]
        admin = {"token": token, "email": "ada@example.org", "name": "Ada", "secret": SECRET}
        _, answered, _ = call("POST", "/api/keys/redeem", admin)
        headers["Authorization"] = f"Bearer {answered['set-cookie'].partition('=')[2].partition(';')[0]}"
        call("POST", "/api/languages", {"code": "de", "name": "German"})
        call("POST", "/api/languages/de/members", {"email": "ada@example.org", "roles": ["translator"]})

        status, answered, _ = call("PUT", f"{PATH}/menu%2ffile", {"text": "Datei"}, **{"If-None-Match": "*"})
        assert (status, answered["location"]) == (201, f"{PATH}/menu%2Ffile")
        status, _, body = call("GET", answered["location"])
        assert (status, json.loads(body)["key"]) == (200, "menu/file")
        assert call("GET", f"{PATH}/menu%2Ffile/history?limit=1")[0] == 200
        assert call("GET", f"{PATH}/menu%252Ffile")[0] == 422
        assert call("GET", f"{PATH}/menu/file")[0] == 404
        for path in ("/api/languages/de%2Ftranslations", "/api/languages%2Fde", "/api%2Fsession", "/health%2Flive"):
            assert call("GET", path)[0] == 404, path
        connection.close()
