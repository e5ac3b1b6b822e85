"""The console in a browser: a proof in a dialog keeps what was typed."""

from playwright.async_api import expect

from tests.browser.console_gallery import with_work
from tests.browser.gallery import opened
from tests.support.app import SECRET
from tests.support.browser import Served, Watched


async def test_a_user_is_suspended_after_a_proof_in_a_dialog(served: Served, person: Watched) -> None:
    user_id = await with_work(served, person)
    served.app.clock.forward(minutes=16)
    page = await opened(person, f"/admin/users/{user_id}")
    await page.locator("summary", has_text="Suspend").click()
    await page.get_by_label("Reason").fill("Left the company")
    await page.get_by_role("button", name="Suspend the account").click()
    await page.locator("#proof-secret").fill(SECRET)
    await page.get_by_role("button", name="Confirm and go on").click()
    await expect(page.locator(".notice")).to_have_text("The account has been suspended.")
    await expect(page.locator("dl").first).to_contain_text("Left the company")
