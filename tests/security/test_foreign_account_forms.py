"""Insecure direct object reference: a form of the account page names what belongs to others."""

import pytest

from tests.support.app import RunningApp, is_signed_in
from tests.support.mailbox import mailed


async def test_a_session_of_somebody_else_is_not_ended(app: RunningApp) -> None:
    victim, thief = await app.signed_in("bob@example.org"), await app.signed_in()
    session_id = (await victim.get("/api/session")).json()["session"]["id"]
    assert (await thief.post(f"/account/sessions/{session_id}/end")).status_code == 403
    assert (await thief.post("/account/sessions/end-others")).status_code == 303
    assert await is_signed_in(victim)


@pytest.mark.parametrize("own_kind", ["primary", "single_use"])
async def test_a_key_of_somebody_else_is_not_cancelled(app: RunningApp, own_kind: str) -> None:
    victim, thief = await app.signed_in("bob@example.org"), await app.signed_in()
    await mailed(app, "sign_in", "bob@example.org")
    keys = (await victim.get("/api/keys")).json()["items"]
    key_id = next(key["id"] for key in keys if key["kind"] == own_kind)
    assert (await thief.post(f"/account/keys/{key_id}/cancel")).status_code == 403
    assert (await victim.get("/api/keys")).json()["items"] == keys


async def test_the_primary_key_is_not_cancelled_by_its_owner(app: RunningApp) -> None:
    browser = await app.signed_in()
    (key,) = (await browser.get("/api/keys")).json()["items"]
    assert (await browser.post(f"/account/keys/{key['id']}/cancel")).status_code == 409
    assert (await browser.get("/api/keys")).json()["items"] == [key]


async def test_a_language_of_others_is_refused_like_an_unknown_one(app: RunningApp) -> None:
    await app.language("tpi")
    stranger = await app.signed_in()
    answers = [await stranger.post(f"/account/languages/{code}/leave") for code in ("tpi", "fr")]
    assert [answer.status_code for answer in answers] == [403, 403]


@pytest.mark.parametrize("field", ["platformRole", "status", "emailVerifiedAt", "email"])
async def test_a_profile_form_changes_nothing_but_the_profile(app: RunningApp, field: str) -> None:
    browser = await app.signed_in()
    before = (await browser.get("/api/session")).json()["user"]
    await browser.post("/account/profile", data={"name": "Ada", field: "admin"})
    assert (await browser.get("/api/session")).json()["user"] == before
