"""The lines of the README of the npm package, in a new app with the packed package, in Chromium."""

import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Error, Page, expect

from tests.browser.conftest import browser
from tests.conftest import make_database
from tests.support.app import SECRET, Clock, running, settings_for
from tests.support.client_package import SOURCE, built
from tests.support.node_packages import node_with
from tests.support.serve_process import free_port, serving_beside
from tests.support.vite import previewed

__all__ = ["browser"]  # a fixture

FRESH_APP = Path(__file__).parent / "fresh_app"
README = (SOURCE / "README.md").read_text()


def block(language: str) -> str:
    """The only block of the README in this language."""
    (code,) = re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return str(code)


def run(command: str, folder: Path) -> str:
    """The output of a line for a shell, which must end without an error."""
    done = subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def fresh_app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new app, in which the commands and the code of the README have been followed."""
    node_with(FRESH_APP)
    app = tmp_path_factory.mktemp("fresh") / "app"
    shutil.copytree(FRESH_APP, app, symlinks=True)
    built()
    run(f"npm pack --pack-destination {app}", SOURCE)
    run(f"{block('sh').strip()} --no-audit --no-fund --ignore-scripts", app)
    (app / "src" / "main.jsx").write_text(block("jsx"))
    run("npm run build", app)
    return app


def test_the_lines_are_at_most_fifteen() -> None:
    assert len(block("jsx").strip().splitlines()) <= 15


def test_the_packed_package_has_nothing_but_what_was_built(fresh_app: Path) -> None:
    package = fresh_app / "node_modules" / "@ostiary" / "client"
    assert {path.name for path in package.iterdir()} == {"README.md", "dist", "package.json"}
    assert (fresh_app / "node_modules" / "@casl" / "ability").is_dir(), "npm installs the peer"


async def sign_in(page: Page, name: str) -> None:
    """Sign in on the page of the service."""
    await page.get_by_label("Email address").fill(f"{name}@example.org")
    await page.get_by_label("Password", exact=True).fill(SECRET)
    await page.get_by_role("button", name="Sign in", exact=True).click()


@pytest.fixture(scope="module")
async def app_url(fresh_app: Path, server_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The URL of the new app, with the service behind it. ada administers German, eve is a member."""
    url, folder, port = await make_database(server_url, "fresh"), tmp_path_factory.mktemp("service"), free_port()
    async with serving_beside(folder, folder, DATABASE_URL=url, PUBLIC_URL=f"http://localhost:{port}") as service:
        async with running(settings_for(url), Clock()) as app:
            await app.language("de")
            await app.language("fr", "French")
            await app.member(await app.user("ada@example.org", secret=SECRET), "de", "admin")
            await app.member(await app.user("eve@example.org", secret=SECRET, name="Eve"), "de")
        async with previewed(fresh_app, port, OSTIARY=service.url) as served:
            yield served


async def test_the_route_leads_to_the_sign_in_and_back_and_the_button_is_hidden_from_those_who_may_not(
    browser: Browser, app_url: str
) -> None:
    errors = list[Error]()

    def note(error: Error) -> None:
        errors.append(error)

    for name, buttons in (("ada", 1), ("eve", 0)):
        context = await browser.new_context(base_url=app_url, locale="en-GB")
        page = await context.new_page()
        page.on("pageerror", note)
        await page.goto("/languages/de")
        await page.wait_for_url("**/sign-in?return_to=*")
        await sign_in(page, name)
        await page.wait_for_url("**/languages/de")
        await expect(page.get_by_role("heading", name="German")).to_be_visible()
        await expect(page.get_by_role("button", name="Rename")).to_have_count(buttons)
        assert errors == []
        await context.close()


async def test_a_route_that_is_not_allowed_is_refused(browser: Browser, app_url: str) -> None:
    context = await browser.new_context(base_url=app_url, locale="en-GB")
    page = await context.new_page()
    await page.goto("/languages/fr")
    await sign_in(page, "eve")
    await page.wait_for_url("**/languages/fr")
    await expect(page.get_by_text("403 Forbidden")).to_be_visible()
    await context.close()
