"""Signing up with a code where that is open, in each language, and completing the profile."""

import pytest
from playwright.async_api import Browser, expect

from tests.browser.gallery import ADDRESS
from tests.support.app import Clock
from tests.support.browser import Served, watched
from tests.support.mailbox import code_in

WORDS = {
    "en": ("Create an account", "Email address", "Email me a code", "Code from the mail", "Continue"),
    "de": ("Konto anlegen", "E-Mail-Adresse", "Code per E-Mail senden", "Code aus der E-Mail", "Weiter"),
}
PROFILE = {
    "en": ("Complete your profile", "Name", "Country of the phone number", "Phone number", "Save"),
    "de": ("Vervollständigen Sie Ihr Profil", "Name", "Land der Telefonnummer", "Telefonnummer", "Speichern"),
}


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("start", ["/sign-up", "/sign-in"])
async def test_a_newcomer_gets_an_account_and_completes_the_profile(
    browser: Browser, open_served: Served, language: str, start: str
) -> None:
    heading, email, send, code, enter = WORDS[language]
    title, name, country, phone, save = PROFILE[language]
    open_served.app.clock.now = Clock().now
    async with watched(browser, open_served.url, locale=language) as person:
        page = await person.page()
        await page.goto(f"{start}?return_to={open_served.url}/signed-out")
        if start == "/sign-up":
            await expect(page.get_by_role("heading", level=1)).to_have_text(heading)
        await expect(page.locator("html")).to_have_attribute("lang", language)
        await page.get_by_label(email).fill(ADDRESS)
        await page.get_by_role("button", name=send).click()
        await page.get_by_label(code).fill(code_in((await open_served.app.mails())[-1]))
        await page.get_by_role("button", name=enter).click()
        await expect(page.get_by_role("heading", level=1)).to_have_text(title)
        await page.get_by_label(name, exact=True).fill("Ada")
        await page.get_by_label(country).select_option("CH")
        await page.get_by_label(phone, exact=True).fill("044 668 18 00")
        await page.get_by_role("button", name=save).click()
        await page.wait_for_url("**/signed-out")
        user = (await (await page.request.get("/api/session")).json())["user"]
        assert (user["name"], user["phone"]) == ("Ada", "+41446681800")
