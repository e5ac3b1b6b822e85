"""The console in a browser: members, a conflict of texts, an explanation, and a failed job."""

from playwright.async_api import expect

from tests.browser.console_gallery import ARABIC_TEXT, CONSOLE, with_work
from tests.browser.gallery import opened
from tests.support.browser import Served, Watched


async def test_a_member_is_added_and_their_invitation_withdrawn(served: Served, person: Watched) -> None:
    await with_work(served, person)
    page = await opened(person, "/admin/languages/ar/members")
    await page.get_by_label("Email address").fill("new@example.org")
    await page.locator("#add-translator").check()
    await page.get_by_role("button", name="Add", exact=True).click()
    await expect(page.locator(".notice")).to_contain_text("They get a mail about it.")
    await page.locator("summary", has_text="new@example.org").click()
    await page.get_by_role("button", name="Withdraw the invitation new@example.org").click()
    await expect(page.locator(".notice")).to_contain_text("no member any more")


async def test_a_conflict_shows_both_texts_from_right_to_left(served: Served, person: Watched) -> None:
    page = await CONSOLE["admin-translation-conflict"](served, person)
    await expect(page.locator("blockquote").first).to_have_text(ARABIC_TEXT)
    await expect(page.locator("#text")).to_have_attribute("dir", "rtl")
    await page.get_by_role("button", name="Save over their version").click()
    await expect(page.locator(".notice")).to_contain_text("The text has been saved.")


async def test_a_failed_job_is_tried_again(served: Served, person: Watched) -> None:
    await with_work(served, person)
    page = await opened(person, "/admin/jobs")
    await page.get_by_role("button", name="Try again").click()
    await expect(page.locator(".notice")).to_contain_text("The job is tried again now.")


async def test_the_policy_says_which_line_decides(served: Served, person: Watched) -> None:
    page = await CONSOLE["admin-policy-explained"](served, person)
    await expect(page.locator("#answer")).to_contain_text("Yes, they may.")
    await expect(page.locator("tr.decides")).to_have_count(1)
