"""Every purpose of single-use keys in both deployments, against a process over HTTP, with mail over SMTP."""

from collections.abc import AsyncIterator
from email.message import EmailMessage
from typing import cast

import httpx
import pytest

from tests.support.app import field_errors, is_signed_in, problem
from tests.support.deployment import ACCEPTED, Deployment, deployed
from tests.support.mailbox import ask, by_code, code_in, flow_of, redeem, text_of, token_in

NEW_SECRET = "eleven boats below the bridge"
AUTHENTICATED_AN_HOUR_AGO = """
UPDATE sessions SET authenticated_at = authenticated_at - interval '1 hour'
 WHERE user_id = (SELECT id FROM users WHERE email = $1)
"""


@pytest.fixture(scope="module")
async def codes(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Deployment]:
    """A deployment with codes only and open sign-up."""
    directory = tmp_path_factory.mktemp("codes")
    async with deployed(server_url, directory, SIGN_IN_METHODS="code", SIGN_UP="open") as deployment:
        yield deployment


@pytest.fixture(scope="module")
async def passwords(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Deployment]:
    """A deployment with passwords and codes, for invited users."""
    directory = tmp_path_factory.mktemp("passwords")
    async with deployed(server_url, directory, SIGN_IN_METHODS="password,code", SIGN_UP="invite") as deployment:
        yield deployment


@pytest.fixture(params=["codes", "passwords"])
def deployment(request: pytest.FixtureRequest) -> Deployment:
    """Each of the two deployments."""
    return cast("Deployment", request.getfixturevalue(request.param))


def redeem_bodies(message: EmailMessage, purpose: str, address: str) -> dict[str, dict[str, str]]:
    """The bodies that redeem the code and the link of a mail, by method."""
    return {
        "code": {"purpose": purpose, "email": address, "code": code_in(message)},
        "link": {"token": token_in(message)},
    }


async def address_of(browser: httpx.AsyncClient) -> str:
    """The address of the signed-in user."""
    address: str = (await browser.get("/api/session")).json()["user"]["email"]
    return address


@pytest.mark.parametrize("method", ["code", "link"])
async def test_the_code_and_the_link_of_a_mail_sign_in_once(deployment: Deployment, method: str) -> None:
    address = f"sign.in.by.{method}@example.org"
    await deployment.user(address)
    message = await deployment.mailed("sign_in", address)
    assert f"{deployment.public_url}/redeem#token=" in text_of(message)
    sign_ins = {
        "code": by_code(code_in(message), address),
        "link": {"method": "link", "token": token_in(message)},
    }
    browser = deployment.browser()
    answer = await browser.post("/api/session", json=sign_ins[method])
    assert (answer.status_code, answer.json()["session"]["method"]) == (201, method)
    assert await address_of(browser) == address
    again = [await deployment.browser().post("/api/session", json=sign_in) for sign_in in sign_ins.values()]
    assert [(answer.status_code, problem(answer)["code"]) for answer in again] == [(410, "key_not_usable")] * 2


@pytest.mark.parametrize("method", ["code", "link"])
async def test_open_sign_up_creates_a_user_by_code_or_link(codes: Deployment, method: str) -> None:
    address = f"sign.up.by.{method}@example.org"
    message = await codes.mailed("sign_up", address)
    keys = redeem_bodies(message, "sign_up", address)
    assert await codes.users(address) == []
    browser = codes.browser()
    answer = await redeem(browser, **keys[method], name="Grace", phone="+4915112345678")
    assert (answer.status_code, answer.json()["session"]["method"]) == (201, method)
    assert answer.json()["onboarding"] == {"required": False, "fields": []}
    me = (await browser.get("/api/users/me")).json()
    assert (me["email"], me["name"], me["phone"]) == (address, "Grace", "+4915112345678")
    assert await codes.users(address) == ["Grace"]
    assert await codes.refuses(*keys.values())


async def test_closed_sign_up_mails_a_notice_and_creates_no_user(passwords: Deployment) -> None:
    address = "sign.up@example.org"
    notice = text_of(await passwords.mailed("sign_up", address))
    assert "open to invited people only" in notice
    assert "#token=" not in notice
    assert address not in await passwords.unread()
    assert await passwords.users(address) == []


async def test_sign_up_with_the_address_of_a_user_signs_in(deployment: Deployment) -> None:
    address = "has.an.account@example.org"
    await deployment.user(address)
    message = await deployment.mailed("sign_up", address)
    assert message["Subject"].startswith(f"{code_in(message)} is your code for ")
    keys = redeem_bodies(message, "sign_up", address)
    browser = deployment.browser()
    answer = await redeem(browser, **keys["code"], name="Mallory")
    assert (answer.status_code, answer.json()["user"]["name"]) == (201, "Grace")
    assert await address_of(browser) == address
    assert await deployment.users(address) == ["Grace"]
    assert await deployment.refuses(*keys.values())


@pytest.mark.parametrize("method", ["code", "link"])
async def test_a_reset_sets_a_new_password_and_ends_all_sessions(passwords: Deployment, method: str) -> None:
    address = f"reset.by.{method}@example.org"
    before = await passwords.user(address)
    keys = redeem_bodies(await passwords.mailed("password_reset", address), "password_reset", address)
    assert await passwords.takes_password(address)
    browser = passwords.browser()
    answer = await redeem(browser, **keys[method], secret=NEW_SECRET)
    assert (answer.status_code, await address_of(browser)) == (201, address)
    assert not await is_signed_in(before)
    assert not await passwords.takes_password(address)
    assert await passwords.takes_password(address, NEW_SECRET)
    assert await passwords.refuses(*keys.values())
    assert (await passwords.mail.mail_to(address))["Subject"].startswith("Your password at ")


async def test_no_password_can_be_reset_if_passwords_are_disabled(codes: Deployment) -> None:
    address = "reset@example.org"
    await codes.user(address)
    answer = await ask(codes.browser(), "password_reset", address)
    assert (answer.status_code, problem(answer)["code"]) == (403, "method_disabled")
    assert address not in await codes.unread()


async def test_a_change_of_address_requires_recent_authentication(deployment: Deployment) -> None:
    address, new = "stale@example.org", "stale@new.example.org"
    browser = await deployment.user(address)
    await deployment.database.pool.execute(AUTHENTICATED_AN_HOUR_AGO, address)
    answer = await ask(browser, "email_change", new)
    assert (answer.status_code, problem(answer)["code"]) == (403, "reauthentication_required")
    code = code_in(await deployment.mailed("sign_in", address))
    proof = {"method": "code", "code": code, "flow": flow_of("sign_in", address)}
    again = await browser.post("/api/session/reauthentication", json=proof)
    assert again.status_code == 200
    assert code_in(await deployment.mailed("email_change", new, browser))


async def test_a_change_of_address_moves_the_account_and_the_old_address_can_undo_it(deployment: Deployment) -> None:
    old, new = "change@example.org", "change@new.example.org"
    browser = await deployment.user(old)
    before = deployment.browser(browser.cookies["auth_session"])
    assert await address_of(before) == old

    key = {"purpose": "email_change", "email": new}
    key["code"] = code_in(await deployment.mailed("email_change", new, browser))
    answer = await redeem(browser, **key)
    assert (answer.status_code, await address_of(browser)) == (201, new)
    assert not await is_signed_in(before)
    assert (await redeem(browser, **key)).status_code == 410
    notice = await deployment.mail.mail_to(old)
    assert new in text_of(notice)
    assert [await deployment.takes_password(address) for address in (old, new)] == [False, deployment.passwords]
    assert [await deployment.mails_sign_in(address) for address in (old, new)] == [False, True]

    owner, undo = deployment.browser(), {"token": token_in(notice)}
    assert (await redeem(owner, **undo)).status_code == 201
    assert await address_of(owner) == old
    assert not await is_signed_in(browser)
    assert await deployment.refuses(undo)
    assert [await deployment.takes_password(address) for address in (old, new)] == [False, False]
    assert [await deployment.mails_sign_in(address) for address in (old, new)] == [True, False]


async def test_a_platform_admin_invites_by_creating_a_user(deployment: Deployment) -> None:
    address = "created@example.org"
    created = await deployment.admin.post("/api/users", json={"email": address, "name": "G."})
    assert created.status_code == 201
    link = {"token": token_in(await deployment.mail.mail_to(address))}
    inspected = await deployment.browser().post("/api/keys/inspect", json=link)
    needs = [field for field in deployment.acceptance if field != "name"]  # which the admin has given
    assert inspected.json() == {
        "purpose": "invitation", "email": address, "language": None, "languageName": None, "inviterName": None,
        "needs": needs, "optional": ["name", "phone", "locale"], "missing": [], "returnTo": None,
    }  # fmt: skip
    if needs:
        assert field_errors(await redeem(deployment.browser(), **link)) == dict.fromkeys(needs, "missing")

    browser = await deployment.accepted(**link)
    session = (await browser.get("/api/session")).json()
    assert (session["user"]["name"], session["memberships"]) == ("Grace", [])
    assert await deployment.refuses(link)
    assert await deployment.takes_password(address) is deployment.passwords


async def invite(
    deployment: Deployment, inviter: httpx.AsyncClient, members: str, address: str, *roles: str
) -> dict[str, str]:
    """Add an unknown address to a language, and return the body that redeems the mailed link."""
    answer = await inviter.post(members, json={"email": address, "roles": roles})
    assert answer.status_code == 202, answer.text
    return {"token": token_in(await deployment.mail.mail_to(address))}


async def language_admin(deployment: Deployment, code: str, members: str) -> httpx.AsyncClient:
    """The browser of an invited admin of a new language."""
    created = await deployment.admin.post("/api/languages", json={"code": code, "name": f"Language {code}"})
    assert created.status_code == 201
    return await deployment.accepted(
        **await invite(deployment, deployment.admin, members, f"admin.{code}@example.org", "admin")
    )


async def path_of(admin: httpx.AsyncClient, members: str, address: str) -> str:
    """The path of the member with this address."""
    (user_id,) = [
        member["userId"] for member in (await admin.get(members)).json()["items"] if member["email"] == address
    ]
    return f"{members}/{user_id}"


async def test_a_language_admin_invites_and_the_latest_link_gives_the_roles(deployment: Deployment) -> None:
    address, members = "translator@example.org", "/api/languages/tpi/members"
    admin = await language_admin(deployment, "tpi", members)
    first = await invite(deployment, admin, members, address, "translator")
    resent = await admin.post(f"{await path_of(admin, members, address)}/invitation")
    assert (resent.status_code, resent.json()) == ACCEPTED
    second = {"token": token_in(await deployment.mail.mail_to(address))}
    assert await deployment.refuses(first)

    browser = await deployment.accepted(**second)
    session = (await browser.get("/api/session")).json()
    assert (session["user"]["name"], session["user"]["email"]) == ("Grace", address)
    assert session["memberships"] == [{"language": "tpi", "languageName": "Language tpi", "roles": ["translator"]}]
    assert (await browser.get("/api/languages/tpi")).status_code == 200
    assert await deployment.refuses(second)
    assert await deployment.takes_password(address) is deployment.passwords


async def test_removing_an_invited_member_voids_the_link(deployment: Deployment) -> None:
    address, members = "removed@example.org", "/api/languages/swg/members"
    admin = await language_admin(deployment, "swg", members)
    link = await invite(deployment, admin, members, address, "translator")
    assert (await admin.delete(await path_of(admin, members, address))).status_code == 204
    assert await deployment.refuses(link)
    assert [member["email"] for member in (await admin.get(members)).json()["items"]] == ["admin.swg@example.org"]
