"""Session fixation: the victim signs in, and the session gets a token that the attacker chose or knew before."""

import httpx
import pytest

from app.auth.tokens import new_session_token, token_hash
from tests.support.app import CREDENTIALS, SECRET, RunningApp

NEW_SECRET = "nine quiet herons over water"


async def _is_stored(app: RunningApp, token: str) -> bool:
    found = await app.resources.database.pool.fetchval(
        "SELECT 1 FROM sessions WHERE token_hash = $1", token_hash(token)
    )
    return found is not None


def _session_token(answer: httpx.Response) -> str:
    return answer.headers["set-cookie"].partition("=")[2].partition(";")[0]


async def test_a_session_token_chosen_by_the_client_is_never_adopted(app: RunningApp) -> None:
    await app.user()
    chosen = new_session_token()

    answer = await app.with_cookie(chosen).post("/api/session", json=CREDENTIALS)

    assert answer.status_code == 201
    assert _session_token(answer) != chosen
    assert not await _is_stored(app, chosen)
    assert (await app.with_cookie(chosen).get("/api/session")).json()["user"] is None


@pytest.mark.parametrize("planted", [{"token": "x"}, {"sessionId": "x"}, {"session": {"token": "x"}}])
async def test_a_token_in_the_body_is_refused(app: RunningApp, planted: dict[str, object]) -> None:
    await app.user()

    answer = await app.client().post("/api/session", json={**CREDENTIALS, **planted})

    assert answer.status_code == 422
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM sessions") == 0


async def test_a_token_in_the_query_is_ignored(app: RunningApp) -> None:
    token = await app.token(await app.user())

    answer = await app.client().get("/api/session", params={"auth_session": token, "access_token": token})

    assert answer.json()["user"] is None


async def test_signing_in_ends_the_session_planted_in_the_browser(app: RunningApp) -> None:
    await app.user()
    planted = await app.token(await app.user("mallory@example.org"))

    answer = await app.with_cookie(planted).post("/api/session", json=CREDENTIALS)

    assert answer.json()["user"]["email"] == "ada@example.org"
    assert not await _is_stored(app, planted)


async def test_redeeming_a_link_ends_the_session_planted_in_the_browser(app: RunningApp) -> None:
    body = {"token": await app.invitation(), "name": "Eve", "secret": SECRET, "switch": True}
    planted = await app.token(await app.user("mallory@example.org"))

    answer = await app.with_cookie(planted).post("/api/keys/redeem", json=body)

    assert answer.json()["user"]["email"] == "eve@example.org"
    assert not await _is_stored(app, planted)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/session/reauthentication", {"method": "password", "secret": SECRET}),
        ("PUT", "/api/keys/primary/secret", {"secret": NEW_SECRET}),
    ],
)
async def test_reauthentication_and_secret_change_replace_the_session_token(
    app: RunningApp, method: str, path: str, body: dict[str, str]
) -> None:
    old = await app.token(await app.user())
    browser = app.with_cookie(old)

    answer = await browser.request(method, path, json=body)

    assert answer.is_success
    app.clock.forward(seconds=10)
    assert (await app.with_cookie(old).get("/api/session")).json()["user"] is None
    assert (await app.with_cookie(_session_token(answer)).get("/api/session")).json()["user"][
        "email"
    ] == "ada@example.org"
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM sessions") == 1


async def test_every_sign_in_issues_a_new_token(app: RunningApp) -> None:
    await app.user()

    tokens = {_session_token(await app.client().post("/api/session", json=CREDENTIALS)) for _ in range(5)}

    assert len(tokens) == 5
