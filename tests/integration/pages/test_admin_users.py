"""Users in the console over plain HTTP, without scripts: find, invite, change, suspend, end, delete."""

import httpx
import pytest

from tests.support.app import SECRET, RunningApp, is_signed_in
from tests.support.pages import FORM_HEADERS, text_of_page


async def console_of(app: RunningApp, *, language: str = "en") -> httpx.AsyncClient:
    browser = await app.signed_in("root@example.org", admin=True, name="Root")
    browser.headers.update({**FORM_HEADERS, "Accept-Language": language})
    return browser


async def followed(browser: httpx.AsyncClient, answer: httpx.Response) -> str:
    assert answer.status_code == 303, text_of_page(answer)
    return text_of_page(await browser.get(answer.headers["location"]))


@pytest.mark.parametrize(("language", "said"), [("en", "Invite a user"), ("de", "Jemanden einladen")])
async def test_users_are_found_by_a_part_of_their_name(either: RunningApp, language: str, said: str) -> None:
    browser = await console_of(either, language=language)
    await either.user("bob@example.org", name="Bob Søn")
    await either.user("eve@example.org", name="Eve")
    page = text_of_page(await browser.get("/admin/users?search=søn&status=&role="))
    assert said in page
    assert "Bob Søn" in page
    assert "Eve" not in page


async def test_a_user_is_invited_and_gets_a_new_invitation(app: RunningApp) -> None:
    browser = await console_of(app)
    refused = await browser.post("/admin/users/new", data={"email": "not an address", "name": "Bob"})
    assert refused.status_code == 422
    assert 'value="Bob"' in refused.text
    created = await browser.post("/admin/users/new", data={"email": "bob@example.org", "name": "Bob", "locale": ""})
    assert "the invitation is on its way" in await followed(browser, created)
    again = await browser.post(f"{created.headers['location']}/invite")
    assert "A new invitation is on its way." in await followed(browser, again)


async def test_a_user_is_suspended_with_a_reason_and_restored(app: RunningApp) -> None:
    browser = await console_of(app)
    bob = await app.signed_in("bob@example.org")
    bob_id = (await bob.get("/api/session")).json()["user"]["id"]
    path = f"/admin/users/{bob_id}"
    assert "Copied everything" in await followed(
        browser, await browser.post(f"{path}/suspend", data={"reason": "Copied everything"})
    )
    assert not await is_signed_in(bob)
    assert "The account has been restored." in await followed(browser, await browser.post(f"{path}/restore"))
    assert "Save the role" in await followed(browser, await browser.post(f"{path}/role", data={"role": "admin"}))
    assert (await browser.get(f"/api/users/{bob_id}")).json()["platformRole"] == "admin"
    assert "The profile has been saved." in await followed(
        browser, await browser.post(f"{path}/profile", data={"name": "Robert", "phone": "", "locale": "de"})
    )
    assert "have been ended" in await followed(browser, await browser.post(f"{path}/end-sessions"))
    assert "The account has been deleted." in await followed(browser, await browser.post(f"{path}/delete"))


async def test_the_last_administrator_is_told_why_they_stay(app: RunningApp) -> None:
    browser = await console_of(app)
    own_id = (await browser.get("/api/session")).json()["user"]["id"]
    page = await browser.post(f"/admin/users/{own_id}/delete")
    assert page.status_code == 409
    assert "This is the last administrator. Make somebody else an administrator first." in text_of_page(page)


@pytest.mark.parametrize("form", ["role", "suspend", "restore", "end-sessions", "delete"])
async def test_a_sensitive_form_asks_for_a_proof_and_leads_back_to_the_user(app: RunningApp, form: str) -> None:
    browser = await console_of(app)
    bob = await app.signed_in("bob@example.org")
    bob_id = (await bob.get("/api/session")).json()["user"]["id"]
    app.clock.forward(minutes=16)
    path = f"/admin/users/{bob_id}"
    refused = await browser.post(f"{path}/{form}", data={"role": "admin"})
    assert (refused.status_code, refused.headers["location"]) == (303, f"{path}/{form}")
    assert "Confirm that it is you" in await followed(browser, refused)
    proved = await browser.post("/confirm", data={"then": path, "secret": SECRET})
    assert (proved.status_code, proved.headers["location"]) == (303, path)
    assert await is_signed_in(bob)
