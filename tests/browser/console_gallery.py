"""The pages of the console in each of their states: how to bring a browser there."""

from collections.abc import Mapping

from playwright.async_api import Page

from tests.browser.gallery import Show, opened
from tests.integration.pages.test_admin_operations import failed_job
from tests.support.browser import Served, Watched

ADMIN = "root@example.org"
ARABIC_TEXT = "مرحبا بكم في المتجر"


async def sign_in(served: Served, person: Watched, email: str, *, admin: bool = False) -> None:
    """Give the browser a session of a new user."""
    user_id = await served.app.user(email, admin=admin, name=email.partition("@")[0].title())
    token = await served.app.token(user_id, admin=admin)
    await person.context.add_cookies([{"name": "auth_session", "value": token, "url": served.url}])


async def with_work(served: Served, person: Watched) -> str:
    """A platform administrator, with users, an Arabic language and a failed job to look at. The id of a user."""
    await sign_in(served, person, ADMIN, admin=True)
    app = served.app
    grace = await app.user("grace@example.org", name="Grace Hopper")
    await app.user("noor@example.org", name="نور <b>")
    await app.language("ar", "Arabic")
    await app.execute("UPDATE languages SET autonym = 'العربية', text_direction = 'rtl' WHERE code = 'ar'")
    await app.member(grace, "ar", "translator", "admin")
    translator = app.with_cookie(await app.token(grace))
    translator.headers["Origin"] = served.url
    path = "/api/languages/ar/translations/shop.welcome"
    assert (await translator.put(path, json={"text": "أهلا"}, headers={"If-None-Match": "*"})).status_code == 201
    assert (await translator.put(path, json={"text": ARABIC_TEXT}, headers={"If-Match": '"1"'})).status_code == 200
    await failed_job(app)
    return str(grace)


def at(path: str) -> Show:
    async def show(served: Served, person: Watched) -> Page:
        user_id = await with_work(served, person)
        return await opened(person, path.format(user_id=user_id))

    return show


async def _explained(served: Served, person: Watched) -> Page:
    page = await at("/admin/policy")(served, person)
    await page.get_by_label("Address of the person").fill("grace@example.org")
    await page.get_by_label("Action", exact=True).select_option("translate")
    await page.get_by_label("Which one").fill("ar")
    await page.get_by_role("button", name="Explain").click()
    await page.locator("#answer").wait_for()
    return page


async def _conflict(served: Served, person: Watched) -> Page:
    user_id = await with_work(served, person)
    token = await served.app.token(user_id)  # type: ignore[arg-type] # PostgreSQL takes the text of an id
    await person.context.add_cookies([{"name": "auth_session", "value": token, "url": served.url}])
    page = await opened(person, "/admin/languages/ar/translations/edit?key=shop.welcome")
    await page.locator("#text").fill("أهلا وسهلا")
    await page.locator("input[name=version]").first.evaluate("(field) => { field.value = '1'; }")
    await page.get_by_role("button", name="Save").click()
    await page.locator("#theirs-heading").wait_for()
    return page


async def _proof(served: Served, person: Watched) -> Page:
    user_id = await with_work(served, person)
    served.app.clock.forward(minutes=16)
    page = await opened(person, f"/admin/users/{user_id}")
    await page.get_by_role("button", name="End all sessions").click()
    await page.locator("dialog[open]").wait_for()
    return page


CONSOLE: Mapping[str, Show] = {
    "admin-users": at("/admin/users"),
    "admin-user": at("/admin/users/{user_id}"),
    "admin-user-new": at("/admin/users/new"),
    "admin-user-proof": _proof,
    "admin-languages": at("/admin/languages"),
    "admin-language": at("/admin/languages/ar"),
    "admin-language-new": at("/admin/languages/new"),
    "admin-members": at("/admin/languages/ar/members"),
    "admin-translations": at("/admin/languages/ar/translations"),
    "admin-translation": at("/admin/languages/ar/translations/edit?key=shop.welcome"),
    "admin-translation-conflict": _conflict,
    "admin-policy": at("/admin/policy"),
    "admin-policy-explained": _explained,
    "admin-audit": at("/admin/audit"),
    "admin-audit-refused": at("/admin/audit?actor=bob"),
    "admin-jobs": at("/admin/jobs"),
}
