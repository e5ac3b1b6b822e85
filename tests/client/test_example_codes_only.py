"""The example of two front ends with codes alone, in Chromium: one has own forms, the other the hosted pages."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path

import pytest
from msgspec import Struct
from playwright.async_api import Browser, BrowserContext, expect

from tests.browser.conftest import browser
from tests.conftest import make_database
from tests.support.client_package import example, run_script
from tests.support.mail_files import code_after
from tests.support.serve_process import free_port, serving_beside
from tests.support.vite import previewed

__all__ = ["browser"]  # a fixture

NUMBERS = count()


class Fronts(Struct, frozen=True):
    """The URLs of both front ends and of the service, and the folder of its mails."""

    give: str
    drive: str
    service: str
    mails: Path


@pytest.fixture(scope="module")
async def fronts(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Fronts]:
    """Both front ends: `give` behind a proxy of its own origin, `drive` at another origin of the site."""
    folder, ports = tmp_path_factory.mktemp("codes"), [free_port() for _ in range(3)]
    give, drive, service = (f"http://localhost:{port}" for port in ports)
    app = example("codes-only", folder)
    run_script("build", app, VITE_OSTIARY=service)
    environ = {
        "SIGN_IN_METHODS": "code", "SIGN_UP": "open", "REQUIRED_PROFILE_FIELDS": "name,phone",
        "ALLOWED_ORIGINS": f"{give},{drive}", "PORT": str(ports[2]),
    }  # fmt: skip
    url = await make_database(server_url, "codes_only")
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(serving_beside(folder, folder, DATABASE_URL=url, **environ))
        await stack.enter_async_context(previewed(app, ports[0], "give", OSTIARY=service))
        await stack.enter_async_context(previewed(app, ports[1], "drive"))
        yield Fronts(give, drive, service, folder / "mail")


@pytest.fixture
async def newcomer(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A browser without cookies."""
    context = await browser.new_context(locale="en-GB")
    context.set_default_timeout(10_000)
    yield context
    await context.close()


async def test_own_forms_sign_up_by_code_complete_the_profile_and_sign_out(
    newcomer: BrowserContext, fronts: Fronts
) -> None:
    page = await newcomer.new_page()
    await page.goto(fronts.give)
    await page.get_by_label("Email address").fill(f"giver{next(NUMBERS)}@example.org")
    code = await code_after(fronts.mails, page.get_by_role("button", name="Email me a code").click)
    wrong = "00000000" if code != "00000000" else "11111111"
    await page.get_by_label("Code from the mail").fill(wrong)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_contain_text("That code is not right. 4 tries left.")
    await page.get_by_label("Code from the mail").fill(code)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_label("Name").fill("Grace")
    await page.get_by_label("Phone").fill("12")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("alert")).to_contain_text("Enter the number with its country code")
    await page.get_by_label("Phone").fill("+4915112345678")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("main")).to_contain_text("Grace gives")
    # One service: the other front end knows them too.
    other = await newcomer.new_page()
    await other.goto(fronts.drive)
    await expect(other.get_by_role("main")).to_contain_text("Grace drives")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("Email address")).to_be_visible()


async def test_hosted_pages_sign_up_by_code_complete_the_profile_and_lead_back(
    newcomer: BrowserContext, fronts: Fronts
) -> None:
    page = await newcomer.new_page()
    await page.goto(fronts.drive)
    await page.wait_for_url(f"{fronts.service}/sign-in?return_to=*")
    await page.get_by_label("Email address").fill(f"driver{next(NUMBERS)}@example.org")
    code = await code_after(fronts.mails, page.get_by_role("button", name="Email me a code").click)
    await page.get_by_label("Code from the mail").fill(code)
    await page.get_by_role("button", name="Continue").click()
    await page.wait_for_url(f"{fronts.service}/onboarding")
    await page.get_by_label("Name").fill("Dora")
    await page.get_by_role("textbox", name="Phone number").fill("+4915112345679")
    await page.get_by_role("button", name="Save").click()
    await page.wait_for_url(f"{fronts.drive}/")
    await expect(page.get_by_role("main")).to_contain_text("Dora drives")
    await page.get_by_role("button", name="Sign out").click()
    await page.wait_for_url(f"{fronts.service}/sign-in?return_to=*")
