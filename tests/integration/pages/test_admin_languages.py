"""Languages, members and texts in the console over plain HTTP, without scripts."""

import httpx

from tests.integration.pages.test_admin_users import console_of, followed
from tests.support.app import RunningApp
from tests.support.pages import FORM_HEADERS, text_of_page


async def member_of(app: RunningApp, *roles: str, email: str = "ada@example.org") -> httpx.AsyncClient:
    browser = await app.signed_in_member("de", *roles, email=email)
    browser.headers.update({**FORM_HEADERS, "Accept-Language": "en"})
    return browser


async def test_a_language_is_added_changed_and_deleted(app: RunningApp) -> None:
    browser = await console_of(app)
    form = {"code": "ar", "name": "Arabic", "autonym": "", "textDirection": ""}
    created = await browser.post("/admin/languages/new", data=form)
    assert "From right to left" in await followed(browser, created)
    changed = {"name": "Modern Arabic", "autonym": "العربية", "textDirection": "rtl"}
    page = await followed(browser, await browser.post("/admin/languages/ar/change", data=changed))
    assert "Modern Arabic" in page
    again = await browser.post("/admin/languages/new", data=form)
    assert again.status_code == 409
    assert 'value="Arabic"' in again.text
    deleted = await browser.post("/admin/languages/ar/delete")
    assert "The language has been deleted." in await followed(browser, deleted)


async def test_an_administrator_of_a_language_adds_changes_and_removes_its_members(app: RunningApp) -> None:
    await app.language("de")
    browser = await member_of(app, "admin")
    path = "/admin/languages/de/members"
    added = await browser.post(f"{path}/add", data={"email": "new@example.org", "roles": ["admin", "translator"]})
    assert "new@example.org Waiting" in await followed(browser, added)
    found = (await browser.get("/api/languages/de/members?search=new")).json()["items"][0]
    assert found["roles"] == ["admin", "translator"]
    one = f"{path}/{found['userId']}"
    again = await browser.post(f"{one}/invite?search=new")
    assert again.headers["location"] == f"{path}?search=new"
    assert "A new invitation is on its way" in await followed(browser, again)
    await browser.post(f"{one}/roles", data={})
    assert (await browser.get("/api/languages/de/members?search=new")).json()["items"][0]["roles"] == []
    assert "no member any more" in await followed(browser, await browser.post(f"{one}/remove"))


async def test_a_translator_writes_and_sees_the_history_but_no_addresses(app: RunningApp) -> None:
    await app.language("de")
    browser = await member_of(app, "translator")
    path = "/admin/languages/de/translations"
    form = {"key": "shop/title", "version": "", "text": "Laden", "state": "draft"}
    assert "Version 1" in await followed(browser, await browser.post(f"{path}/edit", data=form))
    form |= {"version": "1", "text": "Geschäft", "state": "approved"}
    assert "Laden" in await followed(browser, await browser.post(f"{path}/edit", data=form))
    assert "shop/title Geschäft Approved" in text_of_page(await browser.get(path))
    members = text_of_page(await browser.get("/admin/languages/de/members"))
    assert "@" not in members
    assert "Add somebody" not in members
    gone = await browser.post(f"{path}/delete", data={"key": "shop/title", "version": "2"})
    assert "The text has been deleted." in await followed(browser, gone)


async def test_a_conflict_shows_both_texts_and_is_saved_over_the_version_that_is_shown(app: RunningApp) -> None:
    await app.language("de")
    mine = await member_of(app, "translator")
    theirs = await member_of(app, "translator", email="bob@example.org")
    path = "/admin/languages/de/translations/edit"
    form = {"key": "title", "version": "", "text": "Laden", "state": "draft"}
    await theirs.post(path, data=form)
    await theirs.post(path, data=form | {"version": "1", "text": "Kaufhaus"})
    page = await mine.post(path, data=form | {"version": "1", "text": "Geschäft"})
    assert page.status_code == 412
    text = text_of_page(page)
    assert "Their text, which is there now Version 2" in text
    assert "Kaufhaus" in text
    assert "Geschäft</textarea>" in page.text
    assert 'name="version" value="2"' in page.text
    await mine.post(path, data=form | {"version": "2", "text": "Geschäft"})
    assert (await mine.get("/api/languages/de/translations/title")).json()["text"] == "Geschäft"


async def test_a_reader_gets_no_form(app: RunningApp) -> None:
    await app.language("de")
    reader = await member_of(app)
    for page in ("", "/members", "/translations"):
        answer = await reader.get(f"/admin/languages/de{page}")
        assert answer.status_code == 200
        assert 'method="post" action="/admin' not in answer.text
