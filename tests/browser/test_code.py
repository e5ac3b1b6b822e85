"""The page of a code: its clock, another address, another tab, and new passwords by code."""

from playwright.async_api import expect

from tests.browser.gallery import ADDRESS, INVITED, asked_for_code, open_link, press
from tests.support.browser import Served, Watched
from tests.support.mailbox import code_in, token_in, wrong


async def test_a_tab_that_waits_for_the_code_goes_on_when_the_link_is_used_in_another_one(
    served: Served, person: Watched
) -> None:
    await served.app.user()
    waiting = await asked_for_code(person, f"/sign-in?return_to={served.url}/sign-in")
    await press(await open_link(person, token_in((await served.app.mails())[-1])))
    await waiting.wait_for_url("**/sign-in")
    await expect(waiting.get_by_text("You are signed in as ada@example.org.")).to_be_visible()


async def test_a_tab_stays_when_the_link_is_used_in_another_browser(served: Served, person: Watched) -> None:
    await served.app.user()
    waiting = await INVITED["code"](served, person)
    token = token_in((await served.app.mails())[-1])
    answer = await served.app.client(Origin=served.url).post("/api/keys/redeem", json={"token": token})
    assert answer.status_code == 201
    await waiting.evaluate("dispatchEvent(new Event('focus'))")
    async with waiting.expect_navigation():
        await waiting.reload()
    await expect(waiting).to_have_url(f"{served.url}/code")


async def test_another_code_can_be_asked_for_after_a_while(served: Served, person: Watched) -> None:
    await served.app.user()
    page = await INVITED["code"](served, person)
    again = page.get_by_role("button", name="Send a new code")
    await expect(again).to_be_disabled()
    await expect(page.get_by_text("You can ask again in ")).to_be_visible()
    first = code_in((await served.app.mails())[-1])
    served.app.clock.forward(seconds=31)
    await page.reload()
    await again.click()
    await expect(page.get_by_role("status").first).to_have_text("A new mail is on its way. Only the newest code works.")
    mails = await served.app.mails()
    assert len(mails) == 2
    assert code_in(mails[-1]) != first
    await page.get_by_label("Code from the mail").fill(code_in(mails[-1]))
    await page.get_by_role("button", name="Continue").click()
    await page.wait_for_url("**/account")


async def test_a_wrong_code_says_how_many_tries_are_left(served: Served, person: Watched) -> None:
    await served.app.user()
    page = await INVITED["code"](served, person)
    code = code_in((await served.app.mails())[-1])
    await page.get_by_label("Code from the mail").fill(wrong(code))
    await page.get_by_role("button", name="Continue").click()
    await expect(page.locator(".summary")).to_contain_text("4 tries left")


async def test_the_address_can_be_changed_and_is_kept_for_that(served: Served, person: Watched) -> None:
    page = await INVITED["code"](served, person)
    await page.get_by_role("link", name="Change the address").click()
    await expect(page.get_by_label("Email address")).to_have_value(ADDRESS)


async def test_a_code_sets_a_new_password(served: Served, person: Watched) -> None:
    await served.app.user()
    page = await INVITED["reset-code"](served, person)
    await page.get_by_label("Code from the mail").fill(code_in((await served.app.mails())[-1]))
    await page.get_by_label("New password", exact=True).fill("short")
    await page.get_by_role("button", name="Continue").click()
    await expect(page.locator(".summary")).to_contain_text("Password: Enter at least 15 characters.")
    await page.get_by_label("Code from the mail").fill(code_in((await served.app.mails())[-1]))
    await page.get_by_label("New password", exact=True).fill("nine quiet herons over water")
    await page.get_by_role("button", name="Continue").click()
    await page.wait_for_url("**/account")
