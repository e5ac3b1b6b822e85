"""A back end, or whoever takes a token from it, uses the token at the service as if it were a session."""

import pytest

from tests.support.app import TOKEN_AUDIENCE, RunningApp, is_signed_in, problem
from tests.support.tokens import token_for


@pytest.mark.parametrize("scheme", ["Bearer {}", "bearer {}", "JWT {}", "DPoP {}"])
async def test_no_route_takes_a_token(app: RunningApp, scheme: str) -> None:
    token = await token_for(await app.signed_in(admin=True))
    bearer = app.client(Authorization=scheme.format(token))
    for client in (bearer, app.with_cookie(token)):
        assert not await is_signed_in(client)
        for path in ("/api/users", "/api/sessions", "/api/languages", "/api/verify"):
            assert (await client.get(path, headers={"X-Forwarded-Method": "GET"})).status_code == 401
        answer = await client.post("/api/session/token", json={"audience": TOKEN_AUDIENCE})
        assert problem(answer)["code"] == "not_signed_in"


async def test_a_token_does_not_end_the_session_that_comes_with_it(app: RunningApp) -> None:
    client = await app.signed_in()
    token = await token_for(client)
    client.headers["Authorization"] = f"Bearer {token}"
    assert not await is_signed_in(client)
    del client.headers["Authorization"]
    assert await is_signed_in(client)
