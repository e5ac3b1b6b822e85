"""Every page in each of its states: how to bring a browser there. For accessibility, sizes and screenshots."""

from collections.abc import Awaitable, Callable, Mapping

from playwright.async_api import Page

from tests.support.app import RunningApp
from tests.support.browser import Served, Watched
from tests.support.mailbox import token_in

ADDRESS = "ada@example.org"

Show = Callable[[Served, Watched], Awaitable[Page]]


async def opened(person: Watched, path: str) -> Page:
    """A tab with the page at this path."""
    page = await person.page()
    await page.goto(path)
    return page


async def sign_in_with_cookie(served: Served, person: Watched, email: str = ADDRESS, *, onboarded: bool = True) -> None:
    """Give the browser a session of a new user."""
    user_id = await served.app.user(email, onboarded=onboarded, name="Ada" if onboarded else "")
    token = await served.app.token(user_id)
    await person.context.add_cookies([{"name": "auth_session", "value": token, "url": served.url}])


async def press(page: Page) -> Page:
    """Send the form of the page as it is, and wait for what comes."""
    async with page.expect_navigation():
        await page.locator("main form button:not([type=button])").first.click()
    return page


async def fresh_token(app: RunningApp, purpose: str = "sign_in") -> str:
    """The token of a link for a new user."""
    await app.user(ADDRESS)
    await app.client(Origin=app.settings.public_url).post("/api/keys", json={"purpose": purpose, "email": ADDRESS})
    return token_in((await app.mails())[-1])


async def open_link(person: Watched, token: str) -> Page:
    """A tab in which a mailed link was opened."""
    page = await person.page()
    async with page.expect_navigation(url="**/redeem", wait_until="load"):
        await page.goto(f"/redeem#token={token}")
    await page.locator("main h1").wait_for()
    return page


async def _sign_in(_: Served, person: Watched) -> Page:
    return await opened(person, "/sign-in")


async def _sign_in_refused(_: Served, person: Watched) -> Page:
    page = await opened(person, "/sign-in")
    await page.locator("#email").fill("ada")
    return await press(page)


async def _signed_in_already(served: Served, person: Watched) -> Page:
    await sign_in_with_cookie(served, person)
    return await opened(person, "/sign-in")


async def _sign_up(_: Served, person: Watched) -> Page:
    return await opened(person, "/sign-up")


async def asked_for_code(person: Watched, start: str = "/sign-in") -> Page:
    """A tab in which a code has been asked for, on the page `start`."""
    page = await opened(person, start)
    await page.locator("#email").fill(ADDRESS)
    async with page.expect_navigation(url="**/code"):
        await page.get_by_role("button").last.click()
    return page


async def _code(_: Served, person: Watched) -> Page:
    return await asked_for_code(person)


async def _code_refused(served: Served, person: Watched) -> Page:
    page = await _code(served, person)
    await page.locator("#code").fill("1234")
    return await press(page)


async def _reset(_: Served, person: Watched) -> Page:
    return await opened(person, "/reset")


async def _reset_code(_: Served, person: Watched) -> Page:
    page = await opened(person, "/reset")
    await page.locator("#email").fill(ADDRESS)
    return await press(page)


async def _redeem_paste(_: Served, person: Watched) -> Page:
    return await opened(person, "/redeem")


async def _redeem_paste_refused(_: Served, person: Watched) -> Page:
    return await press(await opened(person, "/redeem"))


async def _redeem_sign_in(served: Served, person: Watched) -> Page:
    return await open_link(person, await fresh_token(served.app))


async def _redeem_setup(served: Served, person: Watched) -> Page:
    return await open_link(person, await served.app.setup_token())


async def _redeem_setup_refused(served: Served, person: Watched) -> Page:
    page = await _redeem_setup(served, person)
    await page.locator("#name").fill("Ada")
    await page.locator("#secret").fill("password")
    return await press(page)


async def language_invitation(served: Served) -> str:
    """The token of an invitation to a language, by somebody with a name."""
    admin = await served.app.signed_in("root@example.org", admin=True, name="Grace Hopper")
    admin.headers["Origin"] = served.url
    await served.app.language("tpi", "Tok Pisin")
    await admin.post("/api/languages/tpi/members", json={"email": ADDRESS, "roles": ["translator"]})
    return token_in((await served.app.mails())[-1])


async def _redeem_invitation(served: Served, person: Watched) -> Page:
    return await open_link(person, await language_invitation(served))


async def _redeem_as_another(served: Served, person: Watched) -> Page:
    await sign_in_with_cookie(served, person, "bob@example.org")
    return await open_link(person, await language_invitation(served))


async def _redeem_spent(served: Served, person: Watched) -> Page:
    token = await fresh_token(served.app)
    await press(await open_link(person, token))
    return await open_link(person, token)


async def _redeem_dead(served: Served, person: Watched) -> Page:
    token = await fresh_token(served.app)
    served.app.clock.forward(hours=1)
    return await open_link(person, token)


async def _onboarding(served: Served, person: Watched) -> Page:
    await sign_in_with_cookie(served, person, onboarded=False)
    return await opened(person, "/onboarding")


async def _onboarding_refused(served: Served, person: Watched) -> Page:
    page = await _onboarding(served, person)
    await page.locator("#phone").fill("12")
    return await press(page)


async def _denied(served: Served, person: Watched) -> Page:
    await sign_in_with_cookie(served, person)
    user_id = (await (await person.context.request.get("/api/session")).json())["user"]["id"]
    return await opened(person, f"/denied?action=update&subject_type=User&subject_id={user_id}&field=platformRole")


AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36"


async def with_account(served: Served, person: Watched, *, language: str = "Tok Pisin") -> None:
    """Give the browser a session of a user who has a phone number, another device, a language and a pending change."""
    app = served.app
    user_id = await app.user(ADDRESS, name="Ada Lovelace")
    admin = await app.user("root@example.org", admin=True, name="Grace Hopper")
    await app.language("tpi", language)
    await app.member(user_id, "tpi", "admin", "translator")
    await app.execute("UPDATE users SET phone = '+4915112345678', locale = 'de' WHERE id = $1", user_id)
    await app.execute("UPDATE language_members SET invited_by = $1", admin)
    await app.token(user_id)
    await app.execute("UPDATE sessions SET user_agent = $1, ip = '192.0.2.7'", AGENT)
    token = await app.token(user_id)
    client = app.with_cookie(token)
    client.headers["Origin"] = served.url
    for purpose, email in (("email_change", "ada.lovelace@example.com"), ("sign_in", ADDRESS)):
        answer = await client.post("/api/keys", json={"purpose": purpose, "email": email})
        assert answer.status_code == 202, answer.text
    await app.mails()
    await person.context.add_cookies([{"name": "auth_session", "value": token, "url": served.url}])


async def _account(served: Served, person: Watched) -> Page:
    await with_account(served, person)
    return await opened(person, "/account")


async def _account_left(served: Served, person: Watched) -> Page:
    page = await _account(served, person)
    await page.locator("summary").click()
    async with page.expect_navigation():
        await page.locator("details button").click()
    return page


async def _account_profile(served: Served, person: Watched) -> Page:
    await with_account(served, person)
    return await opened(person, "/account/profile")


async def _account_profile_refused(served: Served, person: Watched) -> Page:
    page = await _account_profile(served, person)
    await page.locator("#name").fill("")
    await page.locator("#phone").fill("12")
    return await press(page)


async def _account_address(served: Served, person: Watched) -> Page:
    await with_account(served, person)
    return await opened(person, "/account/address")


async def _account_secret(served: Served, person: Watched) -> Page:
    await with_account(served, person)
    return await opened(person, "/account/secret")


async def _account_secret_refused(served: Served, person: Watched) -> Page:
    page = await _account_secret(served, person)
    await page.locator("#secret").fill("password password")
    return await press(page)


async def _account_delete(served: Served, person: Watched) -> Page:
    await with_account(served, person)
    return await opened(person, "/account/delete")


async def _confirm(served: Served, person: Watched) -> Page:
    await sign_in_with_cookie(served, person)
    served.app.clock.forward(minutes=16)
    return await opened(person, "/account/secret")


async def _confirm_refused(served: Served, person: Watched) -> Page:
    page = await _confirm(served, person)
    await page.locator("#secret").fill("not her password")
    return await press(page)


async def _confirm_by_code(served: Served, person: Watched) -> Page:
    page = await _confirm(served, person)
    async with page.expect_navigation():
        await page.get_by_role("button", name="Email me a code").click()
    return page


async def _not_me(_: Served, person: Watched) -> Page:
    page = await person.page()
    await page.goto("/not-me#token=not_a_real_one")
    await page.locator("#token").wait_for(state="hidden")
    return page


async def _not_me_refused(served: Served, person: Watched) -> Page:
    return await press(await _not_me(served, person))


async def _not_me_pasted(_: Served, person: Watched) -> Page:
    return await opened(person, "/not-me")


async def _signed_out(_: Served, person: Watched) -> Page:
    return await opened(person, "/signed-out")


async def _missing(_: Served, person: Watched) -> Page:
    return await opened(person, "/nowhere")


async def _api_reference(_: Served, person: Watched) -> Page:
    page = await opened(person, "/docs")
    await page.locator("#operations-Sessions-getSession").wait_for()
    return page


# Made by Swagger UI: for pictures alone.
REFERENCE: Mapping[str, Show] = {"api-reference": _api_reference}
# The service with passwords, codes and invitations.
INVITED: Mapping[str, Show] = {
    "sign-in": _sign_in,
    "sign-in-refused": _sign_in_refused,
    "sign-in-already": _signed_in_already,
    "sign-up-by-invitation": _sign_up,
    "code": _code,
    "code-refused": _code_refused,
    "reset": _reset,
    "reset-code": _reset_code,
    "redeem-paste": _redeem_paste,
    "redeem-paste-refused": _redeem_paste_refused,
    "redeem-sign-in": _redeem_sign_in,
    "redeem-setup": _redeem_setup,
    "redeem-setup-refused": _redeem_setup_refused,
    "redeem-invitation": _redeem_invitation,
    "redeem-as-another": _redeem_as_another,
    "redeem-spent": _redeem_spent,
    "redeem-dead": _redeem_dead,
    "denied": _denied,
    "account": _account,
    "account-left-language": _account_left,
    "account-profile": _account_profile,
    "account-profile-refused": _account_profile_refused,
    "account-address": _account_address,
    "account-secret": _account_secret,
    "account-secret-refused": _account_secret_refused,
    "account-delete": _account_delete,
    "confirm": _confirm,
    "confirm-refused": _confirm_refused,
    "confirm-by-code": _confirm_by_code,
    "not-me": _not_me,
    "not-me-refused": _not_me_refused,
    "not-me-pasted": _not_me_pasted,
    "signed-out": _signed_out,
    "missing": _missing,
}
# The service with codes alone and open sign-up.
OPEN: Mapping[str, Show] = {
    "open-sign-in": _sign_in,
    "open-sign-up": _sign_up,
    "open-account": _account,
    "onboarding": _onboarding,
    "onboarding-refused": _onboarding_refused,
}
