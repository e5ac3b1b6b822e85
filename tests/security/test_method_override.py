"""HTTP method override: a header or parameter turns a safe method into an unsafe one, and evades the origin check."""

import pytest

from tests.support.app import RunningApp

HEADERS = ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method")


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_no_header_or_parameter_overrides_the_method(app: RunningApp, header: str, method: str) -> None:
    admin = await app.signed_in(admin=True)
    await app.language()

    parameters = {"_method": "DELETE", "method": "DELETE", "X-HTTP-Method-Override": "DELETE"}

    answers = [
        await admin.request(method, "/api/languages/de", headers={header: "DELETE"}),
        await admin.request(method, "/api/languages/de", headers={header: "DELETE"}, params=parameters),
    ]

    assert [answer.status_code for answer in answers] == ([200, 422] if method == "GET" else [405, 405])
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM languages") == 1


@pytest.mark.parametrize("method", ["delete", "Delete", "DELETE ", "GETDELETE", "PROPFIND", "CONNECT", "\u017fDELETE"])
async def test_misspelt_and_unknown_methods_are_refused(app: RunningApp, method: str) -> None:
    admin = await app.signed_in(admin=True)
    await app.language()
    origin = {"Origin": "https://evil.example"}
    scope_method = method.encode("ascii", "replace").decode()

    answer = await admin.request(scope_method, "/api/languages/de", headers=origin)

    assert answer.status_code in (403, 405)
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM languages") == 1
