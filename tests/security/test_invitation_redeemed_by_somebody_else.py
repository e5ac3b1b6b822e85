"""Invitation confusion: a link that is opened where somebody else is signed in swaps their session in silence."""

import httpx
import pytest

from tests.support.app import SECRET, RunningApp, is_signed_in, problem
from tests.support.mailbox import mailed, redeem, token_in


@pytest.fixture
async def ada(app: RunningApp) -> httpx.AsyncClient:
    """A browser in which Ada is signed in."""
    return await app.signed_in()


@pytest.mark.parametrize("setup", [False, True])
async def test_an_invitation_is_refused_while_another_user_is_signed_in_and_nothing_is_consumed(
    app: RunningApp, ada: httpx.AsyncClient, setup: bool
) -> None:
    token = await (app.setup_token() if setup else app.invitation("eve@example.org"))
    sent = {"token": token, "email": "eve@example.org", "name": "Eve", "secret": SECRET}
    for body in ({"token": token}, sent, {**sent, "switch": False}):
        refused = await ada.post("/api/keys/redeem", json=body)
        assert (refused.status_code, problem(refused)["code"]) == (409, "signed_in_as_another")
        assert "set-cookie" not in refused.headers
    assert (await ada.get("/api/session")).json()["user"]["email"] == "ada@example.org"

    assert (await redeem(app.client(), **sent)).status_code == 201


async def test_a_request_to_switch_ends_the_session_and_signs_the_invited_person_in(
    app: RunningApp, ada: httpx.AsyncClient
) -> None:
    other_browser = app.with_cookie(await app.token(await app.user("ada2@example.org")))
    before = dict(ada.cookies)
    body = {"token": await app.invitation(), "name": "Eve", "secret": SECRET, "switch": True}

    assert (await ada.post("/api/keys/redeem", json=body)).json()["user"]["email"] == "eve@example.org"

    assert not await is_signed_in(app.with_cookie(before["auth_session"]))
    assert await is_signed_in(other_browser)


async def test_a_session_that_has_ended_is_nobody_elses(app: RunningApp, ada: httpx.AsyncClient) -> None:
    token = await app.invitation()
    assert (await ada.delete("/api/session")).status_code == 204
    assert (await redeem(ada, token=token, name="Eve", secret=SECRET)).status_code == 201


async def test_a_link_that_the_user_has_asked_for_needs_no_request_to_switch(
    app: RunningApp, ada: httpx.AsyncClient
) -> None:
    await app.user("grace@example.org")
    link = token_in(await mailed(app, "sign_in", "grace@example.org"))
    assert (await redeem(ada, token=link)).json()["user"]["email"] == "grace@example.org"
