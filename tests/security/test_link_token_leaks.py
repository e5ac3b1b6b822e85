"""Disclosure of link tokens: a token is in an address, a log, a page or a header that others can read."""

import re

import pytest

from app.pages.html.assets import FOLDER
from tests.support.app import Clock, RunningApp, running, settings_for
from tests.support.mailbox import mailed, token_in
from tests.support.pages import browser_at


@pytest.mark.usefixtures("app")
async def test_a_token_is_in_no_page_no_header_and_no_log(database_url: str) -> None:
    async with running(settings_for(database_url, ACCESS_LOG="on"), Clock()) as service:
        await service.user()
        token = token_in(await mailed(service, "sign_in"))
        browser = browser_at(service)
        opened = await browser.post("/redeem/link", data={"token": token})
        answers = [opened, await browser.get("/redeem"), await browser.get("/redeem?paste")]
        answers.append(await browser.post("/redeem", data={}))
        answers.append(await browser.get("/redeem"))
        assert [answer.status_code for answer in answers] == [303, 200, 200, 303, 200]
        assert opened.headers["location"] == "/redeem"
        for answer in answers:
            assert token not in answer.text
            assert token not in str(answer.headers.raw)
        assert token not in str(await service.access_log())


async def test_pages_keep_their_address_from_other_sites(app: RunningApp) -> None:
    page = await browser_at(app).get("/redeem")
    assert page.headers["referrer-policy"] == "same-origin"


async def test_a_pasted_token_that_is_refused_is_not_shown_again(app: RunningApp) -> None:
    token = f"osk_{'b' * 42}"
    page = await browser_at(app).post("/redeem/link", data={"token": token})
    assert page.status_code == 422
    assert token not in page.text


async def test_secrets_and_codes_are_not_shown_again(app: RunningApp) -> None:
    browser = browser_at(app)
    refused = await browser.post("/sign-in", data={"email": "ada@example.org", "secret": "hunter2 hunter2"})
    await browser.post("/sign-in/code", data={"email": "ada@example.org"})
    wrong = await browser.post("/code", data={"code": "87654321"})
    assert (refused.status_code, wrong.status_code) == (401, 410)
    assert "hunter2" not in refused.text
    assert "87654321" not in wrong.text


def test_the_script_clears_the_address_before_it_does_anything_else() -> None:
    script = (FOLDER / "redeem.js").read_text()
    body = re.search(r"if \(token\) \{\n\s*(.*)\n", script)
    assert body
    assert body[1] == 'history.replaceState(null, "", location.pathname);'
