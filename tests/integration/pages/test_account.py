"""The account over plain HTTP, without scripts, in both documented deployments and both languages."""

from uuid import UUID

import httpx
import pytest

from tests.support.app import SECRET, RunningApp, id_of, is_signed_in
from tests.support.mailbox import code_in, text_of
from tests.support.pages import FORM_HEADERS, links_of, text_of_page

NEW_SECRET = "nine quiet herons over water"
SENSITIVE = ("/account/address", "/account/secret", "/account/delete")


async def browser_of(app: RunningApp, *, language: str = "en", name: str = "Ada") -> httpx.AsyncClient:
    browser = await app.signed_in(name=name)
    browser.headers.update({**FORM_HEADERS, "Accept-Language": language})
    return browser


async def followed(browser: httpx.AsyncClient, answer: httpx.Response) -> str:
    """The text of the page that a form leads to."""
    assert answer.status_code == 303, answer.text
    return text_of_page(await browser.get(answer.headers["location"]))


@pytest.mark.parametrize(("language", "said"), [("en", "Your devices"), ("de", "Ihre Geräte")])
async def test_the_account_is_shown_in_the_language_of_its_reader(either: RunningApp, language: str, said: str) -> None:
    page = await (await browser_of(either, language=language, name="Ada & Søn")).get("/account")
    assert "Ada & Søn" in text_of_page(page)
    assert said in text_of_page(page)


async def test_the_profile_is_changed_and_emptied(either: RunningApp) -> None:
    browser = await browser_of(either)
    form = {"name": "Augusta", "country": "DE", "phone": "0151 12345678", "locale": "de"}
    assert "Your profile has been saved." in await followed(browser, await browser.post("/account/profile", data=form))
    user = (await browser.get("/api/session")).json()["user"]
    assert (user["name"], user["phone"], user["locale"]) == ("Augusta", "+4915112345678", "de")
    await browser.post("/account/profile", data={"name": "Augusta", "country": "", "phone": "", "locale": ""})
    user = (await browser.get("/api/session")).json()["user"]
    assert (user["phone"], user["locale"]) == (None, None)


async def test_a_refused_profile_keeps_what_was_typed(app: RunningApp) -> None:
    browser = await browser_of(app)
    page = await browser.post("/account/profile", data={"name": "", "phone": "12", "locale": "de"})
    assert page.status_code == 422
    assert 'value="12"' in page.text
    assert '<a href="#name">Name: This is needed.</a>' in page.text
    assert (await browser.get("/api/session")).json()["user"]["name"] == "Ada"


@pytest.mark.parametrize("path", SENSITIVE)
async def test_a_sensitive_page_asks_for_a_proof_in_place_and_its_form_changes_nothing_before(
    app: RunningApp, path: str
) -> None:
    browser = await browser_of(app)
    app.clock.forward(minutes=16)
    assert "Confirm that it is you" in text_of_page(await browser.get(path))
    refused = await browser.post(path, data={"email": "new@example.org", "secret": NEW_SECRET})
    assert (refused.status_code, refused.headers["location"]) == (303, path)
    assert await is_signed_in(browser)
    assert await app.mails() == []

    wrong = await browser.post("/confirm", data={"then": path, "secret": "wrong"})
    assert wrong.status_code == 401
    assert f'name="then" value="{path}"' in wrong.text
    proved = await browser.post("/confirm", data={"then": path, "secret": SECRET})
    assert (proved.status_code, proved.headers["location"]) == (303, path)
    assert "Confirm that it is you" not in text_of_page(await browser.get(path))


@pytest.mark.parametrize("path", ["/account/address", "/account/delete"])
async def test_a_proof_by_code_is_entered_in_place(either: RunningApp, path: str) -> None:
    browser = await browser_of(either)
    either.clock.forward(minutes=16)
    asked = await browser.post("/confirm/code", data={"then": path})
    page = await followed(browser, asked)
    assert "Code from the mail" in page
    code = code_in((await either.mails())[-1])
    assert (await browser.post("/confirm", data={"then": path, "code": "00000000"})).status_code == 410
    proved = await browser.post("/confirm", data={"then": path, "code": f"{code[:4]} {code[4:]}"})
    assert (proved.status_code, proved.headers["location"]) == (303, path)
    assert "Code from the mail" not in text_of_page(await browser.get(path))


@pytest.mark.parametrize(
    "then", ["//evil.example", "/\\evil.example", "https://evil.example", "", "@evil.example", "/\t/evil.example"]
)
async def test_a_proof_leads_to_no_other_site(app: RunningApp, then: str) -> None:
    browser = await browser_of(app)
    answer = await browser.post("/confirm", data={"then": then, "secret": SECRET})
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")


async def test_the_address_is_changed_by_a_code_to_the_new_one(either: RunningApp) -> None:
    browser = await browser_of(either)
    asked = await browser.post("/account/address", data={"email": "ada@new.example.org"})
    assert "ada@new.example.org" in await followed(browser, asked)
    code = code_in((await either.mails())[-1])
    assert "ada@new.example.org waits for the code" in text_of_page(await browser.get("/account"))
    entered = await browser.post("/code", data={"code": code})
    assert entered.status_code == 303
    assert entered.headers["location"].endswith("/account")
    assert "ada@new.example.org" in text_of_page(await browser.get("/account"))


async def test_a_pending_change_is_cancelled(app: RunningApp) -> None:
    browser = await browser_of(app)
    await browser.post("/account/address", data={"email": "ada@new.example.org"})
    code = code_in((await app.mails())[-1])
    (cancel,) = [link for link in links_of(await browser.get("/account")) if link.endswith("/cancel")]
    assert "does not work any more" in await followed(browser, await browser.post(cancel))
    assert "ada@new.example.org" not in text_of_page(await browser.get("/account"))
    assert (await browser.post("/code", data={"code": code})).status_code == 410


async def test_the_password_is_changed_and_other_devices_are_signed_out(app: RunningApp) -> None:
    browser = await browser_of(app)
    other = app.with_cookie(await app.token(UUID(await id_of(browser))))
    weak = await browser.post("/account/secret", data={"secret": "password password"})
    assert weak.status_code == 422
    assert "many people use" in weak.text
    assert "password password" not in weak.text
    assert "has been saved" in await followed(
        browser, await browser.post("/account/secret", data={"secret": NEW_SECRET})
    )
    assert (await is_signed_in(browser), await is_signed_in(other)) == (True, False)
    sent = {"method": "password", "email": "ada@example.org", "secret": NEW_SECRET}
    assert (await app.client().post("/api/session", json=sent)).status_code == 201


async def test_there_is_no_page_for_passwords_where_there_are_none(open_app: RunningApp) -> None:
    browser = await browser_of(open_app)
    assert "/account/secret" not in links_of(await browser.get("/account"))
    assert (await browser.get("/account/secret")).status_code == 403


async def test_one_device_or_all_others_are_signed_out(app: RunningApp) -> None:
    browser = await browser_of(app)
    user_id = UUID(await id_of(browser))
    others = [app.with_cookie(await app.token(user_id)) for _ in range(3)]
    ends = [link for link in links_of(await browser.get("/account")) if link.endswith("/end")]
    assert len(ends) == 3
    assert "has been signed out" in await followed(browser, await browser.post(ends[0]))
    assert sorted([await is_signed_in(other) for other in others]) == [False, True, True]
    assert "have been signed out" in await followed(browser, await browser.post("/account/sessions/end-others"))
    assert not any([await is_signed_in(other) for other in others])
    assert await is_signed_in(browser)


async def test_a_language_is_left(app: RunningApp) -> None:
    await app.language("tpi", "Tok Pisin")
    browser = await app.signed_in_member("tpi", "translator")
    assert "Tok Pisin tpi Translates" in text_of_page(await browser.get("/account"))
    assert "You have left" in await followed(browser, await browser.post("/account/languages/tpi/leave"))
    assert (await browser.get("/api/memberships")).json()["items"] == []


async def test_long_lists_go_on_after_their_cursor(app: RunningApp) -> None:
    browser = await browser_of(app)
    user_id = UUID(await id_of(browser))
    for number in range(51):
        code = f"de-x-{number:03}"
        await app.language(code, f"Language {number:03}")
        await app.member(user_id, code)
    page = await browser.get("/account")
    assert "Language 049" in text_of_page(page)
    assert "Language 050" not in text_of_page(page)
    (more,) = [link for link in links_of(page) if "languages_after" in link]
    assert "Language 050" in text_of_page(await browser.get(more.partition("#")[0]))


async def test_the_account_is_deleted(either: RunningApp) -> None:
    browser = await browser_of(either)
    assert "Delete the account for good" in text_of_page(await browser.get("/account/delete"))
    assert "Your account has been deleted." in await followed(browser, await browser.post("/account/delete"))
    assert not await is_signed_in(browser)
    assert await either.resources.database.pool.fetchval("SELECT count(*) FROM users") == 0


async def test_the_last_admin_is_told_why_the_account_stays(app: RunningApp) -> None:
    browser = await app.signed_in(admin=True)
    answer = await browser.post("/account/delete")
    assert answer.status_code == 409
    assert "This is the last administrator." in answer.text


async def test_a_disowned_session_ends_and_a_reset_begins(app: RunningApp) -> None:
    await app.user()
    sent = {"method": "password", "email": "ada@example.org", "secret": SECRET}
    await app.client().post("/api/session", json=sent)
    thief, owner = app.client(), app.client(**FORM_HEADERS)
    await thief.post("/api/session", json=sent)
    link = next(line for line in text_of((await app.mails())[-1]).splitlines() if "/not-me#token=" in line)
    assert await is_signed_in(thief)
    page = await followed(owner, await owner.post("/not-me", data={"token": link}))
    assert "That device is signed out." in page
    assert not await is_signed_in(thief)
    code = code_in((await app.mails())[-1])
    assert (await owner.post("/code", data={"code": code, "secret": NEW_SECRET})).status_code == 303
    assert await is_signed_in(owner)
    assert (await app.client().post("/api/session", json=sent)).status_code == 401
