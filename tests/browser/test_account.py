"""The account in a browser: profile, password with a proof in place, devices, languages, address, and its end."""

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.gallery import ADDRESS, opened, sign_in_with_cookie, with_account
from tests.support.app import SECRET
from tests.support.browser import Served, Watched, watched
from tests.support.mailbox import code_in, text_of

NEW_SECRET = "nine quiet herons over water"


async def notice(page: Page, text: str) -> None:
    await expect(page.locator(".notice")).to_contain_text(text)


async def test_a_person_changes_their_profile(served: Served, person: Watched) -> None:
    await sign_in_with_cookie(served, person)
    page = await opened(person, "/account")
    await page.get_by_role("link", name="Change Profile").click()
    await page.get_by_label("Name", exact=True).fill("Augusta")
    await page.get_by_label("Language").select_option(label="Deutsch")
    await page.get_by_role("button", name="Save").click()
    await notice(page, "Your profile has been saved.")
    await expect(page.locator("dl")).to_contain_text("Augusta")
    await page.reload()
    await expect(page.locator(".notice")).to_have_count(0)


async def test_a_password_is_changed_after_a_proof_on_the_same_page(served: Served, person: Watched) -> None:
    await sign_in_with_cookie(served, person)
    served.app.clock.forward(minutes=16)
    page = await opened(person, "/account")
    await page.get_by_role("link", name="Change Password").click()
    await expect(page).to_have_url(f"{served.url}/account/secret")
    await page.get_by_label("Password", exact=True).fill(SECRET)
    await page.get_by_role("button", name="Confirm").click()
    await expect(page).to_have_url(f"{served.url}/account/secret")
    await page.get_by_label("New password").fill("password password")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator(".summary")).to_be_focused()
    await expect(page.locator(".summary")).to_contain_text("This is like a password that many people use.")
    await page.get_by_label("New password").fill(NEW_SECRET)
    await page.get_by_role("button", name="Save").click()
    await notice(page, "Your password has been saved")


async def test_a_code_is_a_proof_where_there_are_no_passwords(open_served: Served, newcomer: Watched) -> None:
    await sign_in_with_cookie(open_served, newcomer)
    open_served.app.clock.forward(minutes=16)
    page = await opened(newcomer, "/account/delete")
    await page.get_by_role("button", name="Email me a code").click()
    await expect(page).to_have_url(f"{open_served.url}/account/delete")
    await page.get_by_label("Code from the mail").fill(code_in((await open_served.app.mails())[-1]))
    await page.get_by_role("button", name="Confirm").click()
    await page.get_by_role("button", name="Delete the account for good").click()
    await notice(page, "Your account has been deleted.")
    assert (await (await page.request.get("/api/session")).json())["user"] is None


async def test_an_address_is_changed_and_a_pending_change_is_cancelled(served: Served, person: Watched) -> None:
    await sign_in_with_cookie(served, person)
    page = await opened(person, "/account/address")
    await page.get_by_label("New email address").fill("ada@new.example.org")
    await page.get_by_role("button", name="Email me a code").click()
    await page.wait_for_url("**/code")
    await served.app.mails()
    await page.goto("/account")
    await page.get_by_role("button", name="Cancel ada@new.example.org").click()
    await notice(page, "That does not work any more.")

    served.app.clock.forward(minutes=1)
    await page.goto("/account/address")
    await page.get_by_label("New email address").fill("ada@newer.example.org")
    await page.get_by_role("button", name="Email me a code").click()
    await page.wait_for_url("**/code")
    code = code_in((await served.app.mails())[-1])
    await page.goto("/account")
    await page.get_by_role("link", name="Enter the code").click()
    await page.get_by_label("Code from the mail").fill(code)
    await page.get_by_role("button", name="Continue").click()
    await page.wait_for_url("**/account")
    await expect(page.get_by_text("ada@newer.example.org", exact=True)).to_be_visible()


async def test_a_device_is_signed_out_and_a_language_is_left(served: Served, person: Watched) -> None:
    await with_account(served, person)
    page = await opened(person, "/account")
    await page.get_by_role("button", name="Sign out Chrome on Linux").click()
    await notice(page, "The device has been signed out.")
    await expect(page.get_by_text("Chrome on Linux")).to_have_count(0)
    await page.get_by_text("Leave").first.click()
    await page.get_by_role("button", name="Leave the language Tok Pisin").click()
    await notice(page, "You have left the language.")


@pytest.mark.parametrize(("locale", "heading"), [("en-GB", "Was it not you?"), ("de-AT", "Waren Sie das nicht?")])
async def test_the_link_of_a_mail_ends_a_session_that_was_not_ones_own(
    browser: Browser, served: Served, locale: str, heading: str
) -> None:
    app = served.app
    await app.user()
    sent = {"method": "password", "email": ADDRESS, "secret": SECRET}
    thief = app.client(Origin=served.url)
    for client in (app.client(Origin=served.url), thief):
        assert (await client.post("/api/session", json=sent)).status_code == 201
    mail = text_of((await app.mails())[-1])
    link = next(line for line in mail.splitlines() if "/not-me#token=" in line)
    async with watched(browser, served.url, locale=locale) as owner:
        page = await owner.page()
        await page.goto(link)
        await expect(page).to_have_url(f"{served.url}/not-me")
        await expect(page.get_by_role("heading", level=1)).to_have_text(heading)
        await expect(page.locator("#token")).to_be_hidden()
        assert (await thief.get("/api/session")).json()["user"] is not None
        await page.locator("main form button").click()
        await page.wait_for_url("**/code")
        assert (await thief.get("/api/session")).json()["user"] is None
        await page.locator("#code").fill(code_in((await app.mails())[-1]))
        await page.locator("#secret").fill(NEW_SECRET)
        await page.locator("main form button:not([type=button])").first.click()
        await page.wait_for_url("**/account")
