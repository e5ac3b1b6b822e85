"""Forgery of what a page remembers: a cookie that this service has not made, or not for this, or long ago."""

import pytest

from tests.support.app import CREDENTIALS, RunningApp, running, settings_for
from tests.support.pages import browser_at, text_of_page

SENT_TO = "If ada@example.org can be used here"


async def test_the_state_is_for_the_host_alone_and_sealed(app: RunningApp, database_url: str) -> None:
    environ = {"PUBLIC_URL": "https://id.example.org", "COOKIE_DOMAIN": "example.org"}
    async with running(settings_for(database_url, **environ), app.clock) as secure:
        client = secure.client(Origin="https://id.example.org")
        answer = await client.post("/sign-in/code", data={"email": "ada@example.org"})
    (cookie,) = [text for text in answer.headers.get_list("set-cookie") if "auth_page" in text]
    value, _, attributes = cookie.partition("; ")
    assert value.startswith("__Host-auth_page=")
    assert attributes == "Max-Age=900; Path=/; HttpOnly; SameSite=Lax; Secure"
    assert "ada" not in value


async def test_the_state_of_another_deployment_counts_for_nothing(app: RunningApp, database_url: str) -> None:
    other_key = {"SECRET_KEY": "another key for tests 9Qe3Zb7Ty1Wx5Ul0"}
    async with running(settings_for(database_url, **other_key), app.clock) as other:
        stranger = browser_at(other)
        await stranger.post("/sign-in/code", data={"email": "ada@example.org"})
    browser = browser_at(app)
    browser.cookies.set("auth_page", stranger.cookies["auth_page"], domain="127.0.0.1", path="/")
    assert (await browser.get("/code")).headers["location"] == "/sign-in"


async def test_another_sealed_cookie_is_no_state(app: RunningApp) -> None:
    await app.user()
    browser = browser_at(app)
    assert (await browser.post("/api/session", json=CREDENTIALS)).status_code == 201
    browser.cookies.set("auth_page", browser.cookies["auth_device"], domain="127.0.0.1", path="/")
    assert (await browser.get("/code")).headers["location"] == "/sign-in"


@pytest.mark.parametrize(("minutes", "remembered"), [(14, True), (16, False)])
async def test_the_state_ends_after_a_quarter_of_an_hour(app: RunningApp, minutes: int, remembered: bool) -> None:
    browser = browser_at(app)
    await browser.post("/sign-in/code", data={"email": "ada@example.org"})
    app.clock.forward(minutes=minutes)
    page = await browser.get("/code")
    assert page.status_code == (200 if remembered else 303)
    assert not remembered or SENT_TO in text_of_page(page)
