"""All flows of signing in work over plain HTTP, without scripts, in both documented deployments and both languages."""

from pathlib import Path
from typing import cast

import httpx
import pytest

from app.domain.flows.purpose_registry import PURPOSES
from tests.support.app import ORIGIN, SECRET, RunningApp, is_signed_in, problem, running, settings_for
from tests.support.mailbox import code_in, mailed, token_in
from tests.support.pages import browser_at, links_of, text_of_page

ADDRESS = "ada@example.org"
NEW_SECRET = "nine quiet herons over water"


@pytest.fixture(params=["en", "de"])
def language(request: pytest.FixtureRequest) -> str:
    return cast("str", request.param)


async def follow(browser: httpx.AsyncClient, answer: httpx.Response) -> httpx.Response:
    """The page that a form leads to."""
    assert answer.status_code == 303, answer.text
    return await browser.get(answer.headers["location"])


async def test_a_code_signs_in(either: RunningApp, language: str) -> None:
    await either.user()
    browser = browser_at(either)
    browser.headers["Accept-Language"] = language
    asked = await follow(browser, await browser.post("/sign-in/code", data={"email": ADDRESS}))
    assert ADDRESS in text_of_page(asked)
    assert f'<html lang="{language}" dir="ltr">' in asked.text
    entered = await browser.post("/code", data={"code": code_in((await either.mails())[-1])})
    assert (entered.status_code, entered.headers["location"]) == (303, "/account")
    assert await is_signed_in(browser)


async def test_the_setup_link_is_pasted(either: RunningApp, language: str) -> None:
    browser = browser_at(either)
    browser.headers["Accept-Language"] = language
    opened = await follow(browser, await browser.post("/redeem/link", data={"token": await either.setup_token()}))
    assert f'<html lang="{language}" dir="ltr">' in opened.text
    form = {"email": ADDRESS, "name": "Ada", **({"secret": SECRET} if either.settings.passwords else {})}
    assert (await browser.post("/redeem", data=form)).status_code == 303
    user = (await browser.get("/api/session")).json()["user"]
    assert (user["email"], user["platformRole"]) == (ADDRESS, "admin")


async def test_a_person_signs_out(either: RunningApp) -> None:
    browser = await either.signed_in()
    page = await follow(browser, await browser.post("/sign-out"))
    assert "You are signed out" in text_of_page(page)
    assert not await is_signed_in(browser)


async def test_a_forgotten_password_is_set_anew_by_a_code(app: RunningApp) -> None:
    await app.user()
    browser = browser_at(app)
    page = await follow(browser, await browser.post("/reset", data={"email": ADDRESS}))
    assert "New password" in text_of_page(page)
    code = code_in((await app.mails())[-1])
    assert (await browser.post("/code", data={"code": code, "secret": NEW_SECRET})).status_code == 303
    assert await is_signed_in(browser)


@pytest.mark.parametrize("purpose", ["sign_in", "sign_up", "password_reset"])
async def test_every_mailed_link_opens_a_page_that_says_for_whom_it_is(either: RunningApp, purpose: str) -> None:
    if not PURPOSES[purpose].enabled(either.settings):
        pytest.skip("this deployment mails no such link")
    await either.user()
    browser = browser_at(either)
    shell = await browser.get("/redeem")
    assert (shell.status_code, shell.headers["content-type"]) == (200, "text/html; charset=utf-8")
    token = token_in(await mailed(either, purpose))
    page = await follow(browser, await browser.post("/redeem/link", data={"token": token}))
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert ADDRESS in text_of_page(page)


async def test_an_invitation_opens_a_page(either: RunningApp) -> None:
    browser = browser_at(either)
    token = await either.invitation()
    page = await follow(browser, await browser.post("/redeem/link", data={"token": token}))
    assert "You are invited" in text_of_page(page)


@pytest.mark.parametrize(
    ("path", "above"), [("/redeem/link", "/redeem"), ("/sign-in/code", "/sign-in"), ("//sign-in//code", "/sign-in")]
)
async def test_the_address_of_a_refused_form_leads_to_its_page(app: RunningApp, path: str, above: str) -> None:
    answer = await browser_at(app).get(f"{ORIGIN}{path}", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["location"]) == (303, above)


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html; charset=utf-8"),
        ("*/*", "application/problem+json"),
        ("application/json", "application/problem+json"),
        ("", "application/problem+json"),
    ],
)
async def test_a_missing_page_is_html_for_browsers_alone(app: RunningApp, accept: str, media_type: str) -> None:
    answer = await app.client().get("/nowhere", headers={"Accept": accept})
    assert (answer.status_code, answer.headers["content-type"]) == (404, media_type)


async def test_the_well_known_page_leads_to_the_password(app: RunningApp) -> None:
    path = "/.well-known/change-password"
    assert (await app.client().get(path)).headers["location"] == "/reset"
    assert (await (await app.signed_in()).get(path)).headers["location"] == "/account/secret"


async def test_the_start_leads_to_the_sign_in_or_to_the_account(app: RunningApp) -> None:
    assert (await app.client().get("/")).headers["location"] == "/sign-in"
    assert (await (await app.signed_in()).get("/")).headers["location"] == "/account"


async def test_assets_are_kept_for_ever_and_compressed(app: RunningApp) -> None:
    page = await app.client().get("/sign-in")
    path = page.text.partition('rel="stylesheet" href="')[2].partition('"')[0]
    asset = await app.client().get(path)
    assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert asset.headers["content-encoding"] == "gzip"
    plain = await app.client().get(path, headers={"Accept-Encoding": "gzip;q=0, identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text == asset.text


async def test_a_refusal_says_the_reason_of_the_policy(app: RunningApp) -> None:
    browser = await app.signed_in()
    user_id = (await browser.get("/api/session")).json()["user"]["id"]
    asked = f"action=update&subject_type=User&subject_id={user_id}&field=platformRole"
    page = await browser.get(f"/denied?{asked}")
    assert page.status_code == 403
    assert "Nobody changes their own platform role or status" in text_of_page(page)


async def test_pages_can_be_left_out(app: RunningApp, database_url: str) -> None:
    async with running(settings_for(database_url, PAGES="off"), app.clock) as without:
        for path in ("/", "/sign-in", "/redeem", "/docs", "/nowhere"):
            answer = await browser_at(without).get(path, headers={"Accept": "text/html"})
            assert (answer.status_code, problem(answer)["code"]) == (404, "not_found")
        assert (await browser_at(without).post("/sign-in", data={"email": ADDRESS})).status_code == 404
        assert (await without.client().get("/api/session")).status_code == 200


async def test_a_brand_has_its_name_logo_colour_and_stylesheet(
    app: RunningApp, database_url: str, tmp_path: Path
) -> None:
    logo, css = tmp_path / "logo.svg", tmp_path / "own.css"
    logo.write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    css.write_text("main { border: 0 }")
    brand = {"BRAND_NAME": "Harbour & Co", "BRAND_LOGO": str(logo), "PAGES_CSS": str(css), "BRAND_ACCENT": "#8a2be2"}
    async with running(settings_for(database_url, **brand), app.clock) as branded:
        client = branded.client()
        page = await client.get("/sign-in")
        assert "<title>Sign in - Harbour &amp; Co</title>" in page.text
        loaded = [await client.get(link) for link in links_of(page) if link.startswith("/page-assets/")]
    assert [file.status_code for file in loaded] == [200] * 4
    assert "--accent:#8a2be2" in loaded[0].text
    assert [file.text for file in loaded if file.text in (logo.read_text(), css.read_text())] == [
        css.read_text(),
        logo.read_text(),
    ]
