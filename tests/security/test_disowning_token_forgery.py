"""Ending sessions of others: a forged token, a text sealed for something else, or a scanner of mails."""

from uuid import UUID, uuid4

import httpx
import pytest

from app.domain.sessions.disowning import disowning_token
from app.pages.html.state import PageState, state_cookie
from tests.support.app import ORIGIN, RunningApp, id_of, is_signed_in, problem
from tests.support.pages import browser_at


async def token_for(app: RunningApp, victim: httpx.AsyncClient) -> str:
    session = (await victim.get("/api/session")).json()["session"]
    return disowning_token(app.resources, session["userId"], session["id"])


async def test_a_token_that_this_service_has_not_sealed_ends_nothing(app: RunningApp) -> None:
    victim = await app.signed_in()
    token = await token_for(app, victim)
    middle = len(token) // 2
    changed = token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1 :]
    for forged in ("", "x", changed, token[:-4], "😀", "a" * 1001):
        answer = await app.client().post("/api/sessions/disown", json={"token": forged})
        assert answer.status_code in (410, 422), forged
    assert await is_signed_in(victim)


async def test_sealed_texts_of_other_purposes_are_no_tokens(app: RunningApp) -> None:
    victim = await app.signed_in()
    state = state_cookie(app.resources, PageState(token="x")).partition("=")[2].partition(";")[0]
    await victim.post("/api/session/reauthentication", json={"method": "password", "secret": "x"})
    device = (await app.signed_in("bob@example.org")).cookies.get("auth_device", "")
    for sealed in (state, device):
        answer = await app.client().post("/api/sessions/disown", json={"token": sealed})
        assert problem(answer)["code"] == "key_not_usable"


async def test_a_token_is_no_state_of_a_page(app: RunningApp) -> None:
    victim = await app.signed_in()
    browser = browser_at(app)
    browser.cookies.set("auth_page", await token_for(app, victim), domain="127.0.0.1", path="/")
    answer = await browser.get("/code")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


async def test_a_session_of_somebody_else_is_not_ended_by_a_token_that_names_another_user(app: RunningApp) -> None:
    victim, other = await app.signed_in(), await app.signed_in("bob@example.org")
    session = (await victim.get("/api/session")).json()["session"]["id"]
    token = disowning_token(app.resources, UUID(await id_of(other)), session)
    await app.client().post("/api/sessions/disown", json={"token": token})
    unknown = disowning_token(app.resources, uuid4(), session)
    answer = await app.client().post("/api/sessions/disown", json={"token": unknown})
    assert problem(answer)["code"] == "key_not_usable"
    assert await is_signed_in(victim)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_opening_the_link_ends_nothing(app: RunningApp, method: str) -> None:
    victim = await app.signed_in()
    token = await token_for(app, victim)
    for url in ("/not-me", f"/not-me?token={token}", f"/not-me#token={token}"):
        assert (await browser_at(app).request(method, f"{ORIGIN}{url}")).status_code == 200
    assert await is_signed_in(victim)
    assert len(await app.mails()) == 0
