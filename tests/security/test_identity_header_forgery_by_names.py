"""A user takes a name or address that would end its header and begin another one, or that a decoder reads otherwise."""

from urllib.parse import unquote
from uuid import UUID, uuid4

import pytest

from app.http.forward_auth import IDENTITY_HEADERS
from tests.support.app import RunningApp
from tests.support.proxied_service import Proxied, reached

NAMES = (
    "Ada\r\nX-Ostiary-Platform-Role: admin",
    "Ada\nX-Ostiary-User: 0",
    "Ada\r\n\r\n<html>",
    "Ada, X-Ostiary-Platform-Role=admin; admin",
    "Ada%0d%0aX-Ostiary-Platform-Role: admin",
    "%41da + Bob",
    "Ada\u2028\u0085\x0b\x1f\x7f",
    "\u010d\u010a\u560d\u560a",  # their low bytes are CR and LF
    "Ådå Lövelace 💡 \u202e",
    " Ada\t ",
    '"Ada"; \\ , = : {ostiary} $ostiary_user {http.request.host}',
    "A" * 200,
    "",
)
SAFE = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~@%")


async def rename(app: RunningApp, user_id: UUID, name: str) -> None:
    """Give the user a name that no route accepts."""
    await app.execute("UPDATE users SET name = $2, folded_name = lower($2) WHERE id = $1", user_id, name)


@pytest.mark.parametrize("name", NAMES)
async def test_a_name_stays_in_its_header(app: RunningApp, name: str) -> None:
    user_id = await app.user()
    await rename(app, user_id, name)
    client = app.with_cookie(await app.token(user_id))
    for _ in range(2):
        answer = await client.get("/api/verify", headers={"X-Forwarded-Method": "GET"})
        told = [(header, value) for header, value in answer.headers.multi_items() if header.startswith("x-ostiary")]
        assert [header for header, _ in told] == [header.lower() for header in IDENTITY_HEADERS]
        assert set("".join(value for _, value in told)) <= SAFE
        assert unquote(answer.headers["X-Ostiary-Name"], errors="strict") == name
        assert answer.headers["X-Ostiary-Platform-Role"] == ""


async def test_no_name_forges_a_header_behind_a_proxy(proxy: Proxied) -> None:
    app = proxy.workers.app
    user_id = await app.user(f"{uuid4()}@example.org")
    for name in NAMES:
        await rename(app, user_id, name)
        # A new session, of which no worker has read anything.
        seen = reached(await proxy.send(await app.token(user_id))).identity
        assert [unquote(value) for value in seen.get("X_OSTIARY_NAME", [""])] == [name]
        assert seen["X_OSTIARY_USER"] == [str(user_id)]
        assert seen.get("X_OSTIARY_PLATFORM_ROLE", [""]) == [""]
