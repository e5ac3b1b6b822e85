"""Every flow works with the keyboard alone, and the focus can always be seen."""

from playwright.async_api import Page, expect

from tests.browser.gallery import ADDRESS, open_link, sign_in_with_cookie, with_account
from tests.support.app import SECRET
from tests.support.browser import Served, Watched
from tests.support.mailbox import code_in

FOCUSED = """() => {
    const element = document.activeElement;
    const style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    return {
        name: element.id || element.textContent.trim(),
        shown: parseFloat(style.outlineWidth) >= 2 && style.outlineStyle !== "none",
        inside: box.bottom > 0 && box.top < innerHeight,
        height: box.height,
    };
}"""


async def tab_to(page: Page, name: str) -> None:
    """Press the tab key until this control has the focus. Each control on the way shows that it has it."""
    for _ in range(20):
        await page.keyboard.press("Tab")
        focused = await page.evaluate(FOCUSED)
        assert focused["shown"], focused
        assert focused["inside"], focused
        assert focused["height"] >= 24, focused
        if focused["name"] == name:
            return
    raise AssertionError(f"no way to {name}")


async def test_the_keyboard_signs_in_with_a_password(served: Served, person: Watched) -> None:
    await served.app.user()
    page = await person.page()
    await page.goto(f"/sign-in?return_to={served.url}/signed-out")
    await tab_to(page, "email")
    await page.keyboard.type(ADDRESS)
    await tab_to(page, "secret")
    await page.keyboard.type(SECRET)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/signed-out")


async def test_the_keyboard_signs_in_with_a_code(served: Served, person: Watched) -> None:
    await served.app.user()
    page = await person.page()
    await page.goto(f"/sign-in?return_to={served.url}/signed-out")
    await tab_to(page, "email")
    await page.keyboard.type(ADDRESS)
    await tab_to(page, "Email me a code")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/code")
    await tab_to(page, "code")
    await page.keyboard.type(code_in((await served.app.mails())[-1]))
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/signed-out")


async def test_the_keyboard_redeems_the_setup_link_after_a_mistake(served: Served, person: Watched) -> None:
    page = await open_link(person, await served.app.setup_token())
    await tab_to(page, "Create the account")
    await page.keyboard.press("Enter")
    await expect(page.locator(".summary")).to_be_focused()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator("#email")).to_be_focused()
    await page.keyboard.type(ADDRESS)
    await tab_to(page, "name")
    await page.keyboard.type("Ada")
    await tab_to(page, "secret")
    await page.keyboard.type(SECRET)
    await tab_to(page, "Show")
    await page.keyboard.press("Space")
    await expect(page.locator("#secret")).to_have_attribute("type", "text")
    await tab_to(page, "Create the account")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/account")


async def test_the_first_tab_skips_to_the_content(person: Watched) -> None:
    page = await person.page()
    await page.goto("/sign-in")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_visible()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await expect(page.locator("#email")).to_be_focused()


async def test_the_keyboard_confirms_and_changes_the_password(served: Served, person: Watched) -> None:
    await sign_in_with_cookie(served, person)
    served.app.clock.forward(minutes=16)
    page = await person.page()
    await page.goto("/account")
    await tab_to(page, "Change Password")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/account/secret")
    await tab_to(page, "secret")
    await page.keyboard.type(SECRET)
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("New password")).to_be_visible()
    await tab_to(page, "secret")
    await page.keyboard.type("nine quiet herons over water")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/account")


async def test_the_keyboard_ends_a_session_and_leaves_a_language(served: Served, person: Watched) -> None:
    await with_account(served, person)
    page = await person.page()
    await page.goto("/account")
    await tab_to(page, "Sign out Chrome on Linux")
    await page.keyboard.press("Enter")
    await expect(page.locator(".notice")).to_be_visible()
    await tab_to(page, "Leave Tok Pisin")
    await page.keyboard.press("Space")
    await tab_to(page, "Leave the language Tok Pisin")
    await page.keyboard.press("Enter")
    await expect(page.locator(".notice")).to_contain_text("You have left the language.")
