"""The API reference works without the internet, and is generated from the document of the API."""

from playwright.async_api import expect

from tests.support.browser import Served, Watched


async def test_an_operation_is_described_and_can_be_tried_out(served: Served, person: Watched) -> None:
    page = await person.page()
    await page.goto("/docs")
    operation = page.locator("#operations-Config-getConfig")
    await operation.get_by_role("button").first.click()
    await operation.get_by_role("button", name="Try it out").click()
    await operation.get_by_role("button", name="Execute").click()
    answered = operation.locator(".live-responses-table .response-col_status").last
    await expect(answered).to_have_text("200")
    assert all(url.startswith((served.url, "data:")) for url in person.requests)
