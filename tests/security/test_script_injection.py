"""Cross-site scripting (XSS): a name, an address or a parameter becomes a part of a page."""

from collections.abc import Awaitable, Callable
from urllib.parse import quote

import httpx
import pytest

from tests.support.app import RunningApp
from tests.support.mailbox import token_in
from tests.support.pages import browser_at, shape_of

HARMLESS = "harmless"
PAYLOADS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    '"><script>alert(1)</script>',
    "'><img src=x onerror=alert(1)>",
    '" autofocus onfocus=alert(1) x="',
    "' onmouseover='alert(1)",
    "</title><svg onload=1>",
    "</textarea><script>1</script>",
    "<!--",
    "--><script>1</script>",
    "<![CDATA[<script>1</script>]]>",
    "{{ 7 * 7 }}",
    "{% include '/etc/passwd' %}",
    "{{ config }}",
    "${alert(1)}",
    "{heading}",
    "{service}",
    "{0}",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;",
    "\\u003cscript\\u003e",
    "<a href=javascript:alert(1)>x</a>",
    "<iframe srcdoc='<script>1</script>'>",
    "<base href=//evil.example>",
    "<meta http-equiv=refresh content=0>",
    "<form action=//evil.example><input name=secret>",
    "<math><mi//xlink:href='data:x,1'>",
    "<style>*{}</style>",
    "\uff1cscript\uff1ealert(1)\uff1c/script\uff1e",
)


async def address_in_sign_in(app: RunningApp, text: str) -> httpx.Response:
    return await browser_at(app).post("/sign-in", data={"email": text, "secret": ""})


async def address_in_reset(app: RunningApp, text: str) -> httpx.Response:
    return await browser_at(app).post("/reset", data={"email": text})


async def parameter_of_sign_in(app: RunningApp, text: str) -> httpx.Response:
    return await browser_at(app).get(f"/sign-in?return_to={quote(text)}&{quote(text)}=1")


async def parameter_of_denied(app: RunningApp, text: str) -> httpx.Response:
    browser = await app.signed_in("bob@example.org")
    return await browser.get(f"/denied?action={quote(text)}&subject_type=User&subject_id={quote(text)}")


async def missing_path(app: RunningApp, text: str) -> httpx.Response:
    return await browser_at(app).get(f"/{quote(text, safe='')}", headers={"Accept": "text/html"})


async def name_in_account(app: RunningApp, text: str) -> httpx.Response:
    browser = await app.signed_in("bob@example.org")
    await app.execute("UPDATE users SET name = $1, phone = NULL, locale = $1", text)
    return await browser.get("/account")


async def name_in_profile(app: RunningApp, text: str) -> httpx.Response:
    browser = await app.signed_in("bob@example.org")
    await app.execute("UPDATE users SET name = $1, locale = $1", text)
    return await browser.get("/account/profile")


async def user_agent_in_account(app: RunningApp, text: str) -> httpx.Response:
    browser = await app.signed_in("bob@example.org")
    await app.execute("UPDATE sessions SET user_agent = $1, ip = $1", f"{text} curl/8 {text}bot/1.0")
    return await browser.get("/account")


async def language_in_account(app: RunningApp, text: str) -> httpx.Response:
    await app.language("tpi")
    browser = await app.signed_in_member("tpi", "translator", email="bob@example.org")
    inviter = await app.user("root@example.org", name=text)
    await app.execute("UPDATE languages SET name = $1", text)
    await app.execute("UPDATE language_members SET invited_by = $1", inviter)
    return await browser.get("/account")


async def new_address(app: RunningApp, text: str) -> httpx.Response:
    browser = await app.signed_in("bob@example.org")
    return await browser.post("/account/address", data={"email": text})


async def place_to_go_on_at(app: RunningApp, text: str) -> httpx.Response:
    browser = await app.signed_in("bob@example.org")
    return await browser.post("/confirm", data={"then": f"/{text}", "secret": "wrong"})


async def token_of_a_mail(app: RunningApp, text: str) -> httpx.Response:
    return await browser_at(app).post("/not-me", data={"token": text})


async def token_that_is_pasted(app: RunningApp, text: str) -> httpx.Response:
    return await browser_at(app).post("/redeem/link", data={"token": text})


async def country_and_phone(app: RunningApp, text: str) -> httpx.Response:
    browser = browser_at(app)
    await browser.post("/redeem/link", data={"token": await app.setup_token()})
    return await browser.post("/redeem", data={"name": text, "email": text, "phone": text, "country": text})


async def name_of_inviter_and_language(app: RunningApp, text: str) -> httpx.Response:
    admin = await app.signed_in("root@example.org", admin=True, name=text)
    await app.language("de", text)
    await admin.post("/api/languages/de/members", json={"email": "ada@example.org"})
    browser = browser_at(app)
    await browser.post("/redeem/link", data={"token": token_in((await app.mails())[-1])})
    return await browser.get("/redeem")


PLACES: dict[str, Callable[[RunningApp, str], Awaitable[httpx.Response]]] = {
    show.__name__: show
    for show in (
        address_in_sign_in,
        address_in_reset,
        parameter_of_sign_in,
        parameter_of_denied,
        missing_path,
        token_that_is_pasted,
        name_in_account,
        name_in_profile,
        user_agent_in_account,
        language_in_account,
        new_address,
        place_to_go_on_at,
        token_of_a_mail,
        country_and_phone,
        name_of_inviter_and_language,
    )
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("payload", PAYLOADS)
async def test_a_text_stays_a_text(app: RunningApp, place: str, payload: str) -> None:
    page = await PLACES[place](app, payload)
    assert page.status_code < 500
    assert shape_of(page) == await harmless_shape(app, place)


_SHAPES: dict[str, list[tuple[str, ...]]] = {}


async def harmless_shape(app: RunningApp, place: str) -> list[tuple[str, ...]]:
    """The shape of the page with a harmless text, on a database of its own rows."""
    if place not in _SHAPES:
        await app.resources.database.pool.execute("DELETE FROM languages")
        await app.resources.database.pool.execute("DELETE FROM users")
        await app.resources.database.settle()
        app.resources.kept_rows.clear()
        _SHAPES[place] = shape_of(await PLACES[place](app, HARMLESS))
    return _SHAPES[place]
