"""Signing in on pages: with a password, and with a code of a mail."""

from urllib.parse import urlsplit

import pytest
from playwright.async_api import expect

from tests.support.app import SECRET
from tests.support.browser import Served, Watched
from tests.support.mailbox import code_in


async def test_a_password_signs_in_and_leads_to_the_page_that_was_asked_for(served: Served, person: Watched) -> None:
    await served.app.user()
    page = await person.page()
    await page.goto(f"/sign-in?return_to={served.url}/signed-out?from=app")
    await page.get_by_label("Email address").fill("ada@example.org")
    await page.get_by_label("Password", exact=True).fill(SECRET)
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await page.wait_for_url("**/signed-out?from=app")
    assert (await (await page.request.get("/api/session")).json())["user"]["email"] == "ada@example.org"


async def test_an_error_keeps_what_was_typed_but_no_secret_and_gets_the_focus(served: Served, person: Watched) -> None:
    await served.app.user()
    page = await person.page()
    await page.goto("/sign-in")
    await page.get_by_label("Email address").fill("ada@example.org")
    await page.get_by_label("Password", exact=True).fill("not her password")
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await expect(page).to_have_title("Error: Sign in - Ostiary")
    await expect(page.locator(".summary")).to_be_focused()
    await expect(page.get_by_label("Email address")).to_have_value("ada@example.org")
    await expect(page.get_by_label("Password", exact=True)).to_have_value("")
    await page.locator(".summary").get_by_role("link").click()
    await expect(page.get_by_label("Email address")).to_be_focused()


@pytest.mark.parametrize("written", ["{0}{1}", "{0} {1}", " {0}-{1} "])
async def test_a_code_signs_in_however_it_is_pasted(served: Served, person: Watched, written: str) -> None:
    await served.app.user()
    page = await person.page()
    await page.goto(f"/sign-in?return_to={served.url}/signed-out")
    await page.get_by_label("Email address").fill("ada@example.org")
    await page.get_by_role("button", name="Email me a code").click()
    await page.wait_for_url("**/code")
    code = code_in((await served.app.mails())[-1])
    await page.get_by_label("Code from the mail").fill(written.format(code[:4], code[4:]))
    await page.get_by_role("button", name="Continue").click()
    await page.wait_for_url("**/signed-out")
    assert urlsplit(page.url).query == ""


async def test_a_password_can_be_shown_and_is_sent_hidden(person: Watched) -> None:
    page = await person.page()
    await page.goto("/sign-in")
    secret = page.get_by_label("Password", exact=True)
    await secret.fill("seven lamps")
    await page.get_by_role("button", name="Show the password").click()
    await expect(secret).to_have_attribute("type", "text")
    await page.get_by_role("button", name="Show the password").click()
    await expect(secret).to_have_attribute("type", "password")
