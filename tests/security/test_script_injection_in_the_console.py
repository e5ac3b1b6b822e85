"""Stored cross-site scripting: names, reasons, texts and details of events in the pages of administrators."""

import pytest

from tests.integration.pages.test_admin_users import console_of
from tests.support.app import RunningApp

MARKUP = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


@pytest.mark.parametrize("place", ["name", "reason", "language", "text", "search", "detail"])
async def test_markup_stays_text(app: RunningApp, place: str) -> None:
    browser = await console_of(app)
    user_id = await app.user("bob@example.org", name=MARKUP if place == "name" else "Bob")
    await app.language("de", MARKUP if place == "language" else "German")
    translator = await app.signed_in_member("de", "translator")
    await translator.post(
        "/admin/languages/de/translations/edit", data={"key": "k", "version": "", "text": MARKUP, "state": "draft"}
    )
    await browser.post(f"/admin/users/{user_id}/suspend", data={"reason": MARKUP})
    await app.execute("UPDATE languages SET autonym = $1", MARKUP)
    paths = {
        "name": "/admin/users",
        "reason": f"/admin/users/{user_id}",
        "language": "/admin/languages",
        "text": "/admin/languages/de/translations/edit?key=k",
        "search": f"/admin/users?search={MARKUP}",
        "detail": f"/admin/audit?action={MARKUP}",
    }
    page = (await browser.get(paths[place])).text
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert(1)" in page
