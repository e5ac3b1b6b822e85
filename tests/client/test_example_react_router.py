"""The example for React Router in Chromium: behind a proxy of one origin, and across origins of one site."""

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import pytest
from msgspec import Struct
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import browser
from tests.conftest import make_database
from tests.support.app import SECRET, Clock, running, settings_for
from tests.support.client_package import example, run_script
from tests.support.mail_files import code_after
from tests.support.serve_process import free_port, serving_beside
from tests.support.vite import previewed

__all__ = ["browser"]  # a fixture

# When a tab first shows that nobody is signed in any more, by the clock of the browser.
NOTE_SIGN_OUT = """
new MutationObserver(() => {
  if (document.body.textContent.includes("Nobody is signed in")) window.signedOutAt ??= Date.now();
}).observe(document.body, { subtree: true, childList: true, characterData: true });
"""


class Front(Struct, frozen=True):
    """The example at `url`, the database of the service, and the folder of its mails."""

    url: str
    database_url: str
    mails: Path

    async def execute(self, statement: str) -> None:
        """Change a row, as another worker does."""
        connection = await asyncpg.connect(self.database_url)
        await connection.execute(statement)
        await connection.close()


@pytest.fixture(scope="module", params=["one origin", "one site"])
async def front(
    request: pytest.FixtureRequest, server_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Front]:
    """The example and its service. ada translates and administers German, eve and ned read it."""
    folder, port, service_port = tmp_path_factory.mktemp("example"), free_port(), free_port()
    database_url = await make_database(server_url, "example")
    app = example("react-router", folder)
    origin, service_url = f"http://localhost:{port}", f"http://localhost:{service_port}"
    crosses = request.param == "one site"
    run_script("check", app)
    run_script("build", app, **({"VITE_OSTIARY": service_url} if crosses else {}))
    environ = {"ALLOWED_ORIGINS": origin} if crosses else {"PUBLIC_URL": origin}
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(
            serving_beside(folder, folder, DATABASE_URL=database_url, PORT=str(service_port), **environ)
        )
        async with running(settings_for(database_url), Clock()) as service:
            await service.language("de")
            await service.member(await service.user("ada@example.org", secret=SECRET), "de", "translator", "admin")
            await service.member(await service.user("eve@example.org", secret=SECRET, name="Eve"), "de")
            await service.member(await service.user("ned@example.org", name="Ned"), "de")
        yield Front(
            await stack.enter_async_context(previewed(app, port, OSTIARY=service_url)), database_url, folder / "mail"
        )


@pytest.fixture
async def newcomer(browser: Browser, front: Front) -> AsyncIterator[BrowserContext]:
    """A browser without cookies."""
    context = await browser.new_context(base_url=front.url, locale="en-GB")
    context.set_default_timeout(10_000)
    yield context
    await context.close()


async def signed_in(context: BrowserContext, name: str, path: str = "/languages/de") -> Page:
    """A tab that has asked for a path, and has been led to the sign-in and back."""
    return await _sign_in_on(await context.new_page(), name, path)


async def _sign_in_on(page: Page, name: str, path: str = "/languages/de") -> Page:
    await page.goto(path)
    await page.get_by_label("Email address").fill(f"{name}@example.org")
    await page.get_by_label("Password").fill(SECRET)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url(f"**{path}")
    return page


async def test_a_wrong_password_is_told_in_words_and_a_right_one_leads_back(newcomer: BrowserContext) -> None:
    page = await newcomer.new_page()
    await page.goto("/languages/de?tab=1")
    await page.get_by_label("Email address").fill("ada@example.org")
    await page.get_by_label("Password").fill("not her password")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_have_text("The email address or the password is not right.")
    await page.get_by_label("Password").fill(SECRET)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/languages/de?tab=1")
    await expect(page.get_by_role("heading", name="German")).to_be_visible()


async def test_a_code_signs_in_and_another_one_can_be_asked_for_after_a_while(
    newcomer: BrowserContext, front: Front
) -> None:
    page = await newcomer.new_page()
    await page.goto("/languages/de")
    await page.get_by_label("Mailbox for the code").fill("ned@example.org")
    code = await code_after(front.mails, page.get_by_role("button", name="Email me a code").click)
    await expect(page.get_by_role("button", name="Ask again in")).to_be_disabled()
    await page.get_by_label("Code from the mail").fill("12")
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_role("status")).not_to_be_empty()
    await page.get_by_label("Code from the mail").fill(code)
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_role("heading", name="German")).to_be_visible()


async def test_members_are_shown_to_admins_alone(newcomer: BrowserContext, browser: Browser, front: Front) -> None:
    page = await signed_in(newcomer, "ada")
    await page.get_by_role("link", name="Members").click()
    await expect(page.get_by_text("eve@example.org: reader")).to_be_visible()
    other = await browser.new_context(base_url=front.url)
    page = await signed_in(other, "eve")
    await expect(page.get_by_role("heading", name="German")).to_be_visible()
    await expect(page.get_by_role("link", name="Members")).to_have_count(0)
    await page.goto("/languages/de/members")
    await expect(page.get_by_role("alert")).to_contain_text("You may not see this.")
    await other.close()


async def test_two_who_edit_one_text_see_both_texts(newcomer: BrowserContext, front: Front) -> None:
    key = f"title/{front.url[-4:]}{time.monotonic_ns()}"
    await front.execute(
        f"INSERT INTO translations (language_code, key, text, state, version, updated_at) "  # noqa: S608 # of this test
        f"VALUES ('de', '{key}', 'Hallo', 'draft', 1, now())"
    )
    one = await signed_in(newcomer, "ada")
    other = await newcomer.new_page()
    await other.goto("/languages/de")
    for page in (one, other):
        await expect(page.get_by_label(key, exact=True).get_by_role("textbox")).to_have_value("Hallo")
    for page, text in ((one, "Servus"), (other, "Moin")):
        await page.get_by_label(key, exact=True).get_by_role("textbox").fill(text)
        await page.get_by_label(key, exact=True).get_by_role("button", name="Save").click()
        await expect(page.get_by_text("Saved as version 2").or_(page.get_by_role("alert"))).to_be_visible()
    await expect(other.get_by_role("alert")).to_contain_text("Ada has changed this to: Servus")
    await other.get_by_role("button", name="Keep mine").click()
    await expect(other.get_by_text("Saved as version 3")).to_be_visible()
    await expect(other.get_by_role("alert")).to_have_count(0)


async def test_signing_out_reaches_other_tabs_within_200_milliseconds(newcomer: BrowserContext) -> None:
    one = await signed_in(newcomer, "ada")
    others = [await newcomer.new_page() for _ in range(2)]
    for tab in others:
        await tab.goto("/languages/de")
        await expect(tab.get_by_role("button", name="Sign out")).to_be_visible()
        await tab.evaluate(NOTE_SIGN_OUT)
    await one.evaluate(NOTE_SIGN_OUT)
    await one.get_by_role("button", name="Sign out").click()
    await expect(one.get_by_text("Nobody is signed in")).to_be_visible()
    for tab in others:
        await expect(tab.get_by_text("Nobody is signed in")).to_be_visible()
        late = await tab.evaluate("window.signedOutAt") - await one.evaluate("window.signedOutAt")
        assert late <= 200


async def test_a_role_and_an_end_reach_an_open_page_within_a_second(newcomer: BrowserContext, front: Front) -> None:
    page = await newcomer.new_page()
    async with page.expect_response("**/api/session/events"):
        page = await _sign_in_on(page, "eve")
    members = page.get_by_role("link", name="Members")
    await expect(members).to_have_count(0)
    eve = "(SELECT id FROM users WHERE email = 'eve@example.org')"
    await front.execute(f"UPDATE language_members SET roles = '{{admin}}' WHERE user_id = {eve}")  # noqa: S608
    await expect(members).to_be_visible(timeout=1000)
    await front.execute(f"UPDATE language_members SET roles = '{{}}' WHERE user_id = {eve}")  # noqa: S608
    await expect(members).to_have_count(0, timeout=1000)
    await front.execute(f"DELETE FROM sessions WHERE user_id = {eve}")  # noqa: S608
    await expect(page.get_by_text("Nobody is signed in")).to_be_visible(timeout=1000)


async def test_several_tabs_share_one_stream_of_events(newcomer: BrowserContext) -> None:
    streams = list[str]()
    newcomer.on("request", lambda request: streams.append(request.url) if request.url.endswith("/events") else None)
    await signed_in(newcomer, "ada")
    for _ in range(3):
        tab = await newcomer.new_page()
        await tab.goto("/languages/de")
        await expect(tab.get_by_role("heading", name="German")).to_be_visible()
    assert len(streams) == 1
