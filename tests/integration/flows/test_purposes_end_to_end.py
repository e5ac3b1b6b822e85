"""Every purpose of single-use keys in both deployments: the real process over HTTP, its mail over SMTP."""

from collections.abc import AsyncIterator
from email.message import EmailMessage
from typing import cast

import httpx
import pytest

from tests.support.app import field_errors, is_signed_in, problem
from tests.support.deployment import ACCEPTED, Deployment, deployed
from tests.support.mailbox import ask, code_in, redeem, text_of, token_in

NEW_SECRET = "eleven boats below the bridge"
PROVED_AN_HOUR_AGO = """
UPDATE sessions SET authenticated_at = authenticated_at - interval '1 hour'
 WHERE user_id = (SELECT id FROM users WHERE email = $1)
"""


@pytest.fixture(scope="module")
async def codes(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Deployment]:
    """Codes alone, and anybody may sign up."""
    directory = tmp_path_factory.mktemp("codes")
    async with deployed(server_url, directory, SIGN_IN_METHODS="code", SIGN_UP="open") as deployment:
        yield deployment


@pytest.fixture(scope="module")
async def passwords(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Deployment]:
    """Passwords and codes, for invited people."""
    directory = tmp_path_factory.mktemp("passwords")
    async with deployed(server_url, directory, SIGN_IN_METHODS="password,code", SIGN_UP="invite") as deployment:
        yield deployment


@pytest.fixture(params=["codes", "passwords"])
def deployment(request: pytest.FixtureRequest) -> Deployment:
    """One deployment, then the other."""
    return cast("Deployment", request.getfixturevalue(request.param))


def keys_in(message: EmailMessage, purpose: str, address: str) -> dict[str, dict[str, str]]:
    """What redeems the code and the link of a mail."""
    return {
        "code": {"purpose": purpose, "email": address, "code": code_in(message)},
        "link": {"token": token_in(message)},
    }


async def address_of(browser: httpx.AsyncClient) -> str:
    """The address of the user who is signed in."""
    address: str = (await browser.get("/api/session")).json()["user"]["email"]
    return address


@pytest.mark.parametrize("way", ["code", "link"])
async def test_the_code_and_the_link_of_a_mail_sign_in_once(deployment: Deployment, way: str) -> None:
    address = f"sign.in.by.{way}@example.org"
    await deployment.user(address)
    message = await deployment.mailed("sign_in", address)
    assert f"{deployment.url}/redeem#token=" in text_of(message)
    proofs = {
        "code": {"method": "code", "email": address, "code": code_in(message)},
        "link": {"method": "link", "token": token_in(message)},
    }
    browser = deployment.browser()
    answer = await browser.post("/api/session", json=proofs[way])
    assert (answer.status_code, answer.json()["session"]["method"]) == (201, way)
    assert await address_of(browser) == address
    again = [await deployment.browser().post("/api/session", json=proof) for proof in proofs.values()]
    assert [(answer.status_code, problem(answer)["code"]) for answer in again] == [(410, "key_not_usable")] * 2


@pytest.mark.parametrize("way", ["code", "link"])
async def test_where_sign_up_is_open_the_reader_of_the_mail_becomes_a_user(codes: Deployment, way: str) -> None:
    address = f"sign.up.by.{way}@example.org"
    message = await codes.mailed("sign_up", address, name="Grace", phone="+4915112345678")
    keys = keys_in(message, "sign_up", address)
    assert await codes.users(address) == []
    browser = codes.browser()
    answer = await redeem(browser, **keys[way])
    assert (answer.status_code, answer.json()["session"]["method"]) == (201, way)
    assert answer.json()["onboarding"] == {"required": False, "fields": []}
    me = (await browser.get("/api/users/me")).json()
    assert (me["email"], me["name"], me["phone"]) == (address, "Grace", "+4915112345678")
    assert await codes.users(address) == ["Grace"]
    assert await codes.refuses(*keys.values())


async def test_where_sign_up_is_closed_a_notice_says_so(passwords: Deployment) -> None:
    address = "sign.up@example.org"
    notice = text_of(await passwords.mailed("sign_up", address))
    assert "open to invited people only" in notice
    assert "#token=" not in notice
    assert address not in await passwords.unread()
    assert await passwords.users(address) == []


async def test_signing_up_with_the_address_of_a_user_signs_in(deployment: Deployment) -> None:
    address = "has.an.account@example.org"
    await deployment.user(address)
    message = await deployment.mailed("sign_up", address, name="Mallory")
    assert message["Subject"].startswith(f"{code_in(message)} is your code for ")
    keys = keys_in(message, "sign_up", address)
    browser = deployment.browser()
    answer = await redeem(browser, **keys["code"])
    assert (answer.status_code, answer.json()["user"]["name"]) == (201, "Grace")
    assert await address_of(browser) == address
    assert await deployment.users(address) == ["Grace"]
    assert await deployment.refuses(*keys.values())


@pytest.mark.parametrize("way", ["code", "link"])
async def test_a_reset_sets_a_new_password_and_ends_what_the_old_one_began(passwords: Deployment, way: str) -> None:
    address = f"reset.by.{way}@example.org"
    before = await passwords.user(address)
    keys = keys_in(await passwords.mailed("password_reset", address), "password_reset", address)
    assert await passwords.takes_password(address)
    browser = passwords.browser()
    answer = await redeem(browser, **keys[way], secret=NEW_SECRET)
    assert (answer.status_code, await address_of(browser)) == (201, address)
    assert not await is_signed_in(before)
    assert not await passwords.takes_password(address)
    assert await passwords.takes_password(address, NEW_SECRET)
    assert await passwords.refuses(*keys.values())
    assert (await passwords.mail.mail_to(address))["Subject"].startswith("Your password at ")


async def test_where_there_are_no_passwords_none_is_reset(codes: Deployment) -> None:
    address = "reset@example.org"
    await codes.user(address)
    answer = await ask(codes.browser(), "password_reset", address)
    assert (answer.status_code, problem(answer)["code"]) == (403, "method_disabled")
    assert address not in await codes.unread()


async def test_a_change_of_address_takes_a_recent_proof(deployment: Deployment) -> None:
    address, new = "stale@example.org", "stale@new.example.org"
    browser = await deployment.user(address)
    await deployment.database.pool.execute(PROVED_AN_HOUR_AGO, address)
    answer = await ask(browser, "email_change", new)
    assert (answer.status_code, problem(answer)["code"]) == (403, "reauthentication_required")
    code = code_in(await deployment.mailed("sign_in", address))
    again = await browser.post("/api/session/reauthentication", json={"method": "code", "code": code})
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
    told = await deployment.mail.mail_to(old)
    assert new in text_of(told)
    assert [await deployment.takes_password(address) for address in (old, new)] == [False, deployment.passwords]
    assert [await deployment.mails_sign_in(address) for address in (old, new)] == [False, True]

    owner, undo = deployment.browser(), {"token": token_in(told)}
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
    assert inspected.json() == {
        "purpose": "invitation", "email": address, "language": None, "needs": list(deployment.acceptance)
    }  # fmt: skip
    assert field_errors(await redeem(deployment.browser(), **link)) == dict.fromkeys(deployment.acceptance, "missing")

    browser = await deployment.accepted(**link)
    session = (await browser.get("/api/session")).json()
    assert (session["user"]["name"], session["memberships"]) == ("Grace", [])
    assert await deployment.refuses(link)
    assert await deployment.takes_password(address) is deployment.passwords


async def invite(
    deployment: Deployment, inviter: httpx.AsyncClient, members: str, address: str, *roles: str
) -> dict[str, str]:
    """Add an unknown address to a language, and give what redeems the mailed link."""
    answer = await inviter.post(members, json={"email": address, "roles": roles})
    assert answer.status_code == 202, answer.text
    return {"token": token_in(await deployment.mail.mail_to(address))}


async def language_admin(deployment: Deployment, code: str, members: str) -> httpx.AsyncClient:
    """The browser of the admin of a new language, who was invited as such."""
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


async def test_a_language_admin_invites_and_the_last_link_gives_the_roles(deployment: Deployment) -> None:
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
    assert session["memberships"] == [{"language": "tpi", "roles": ["translator"]}]
    assert (await browser.get("/api/languages/tpi")).status_code == 200
    assert await deployment.refuses(second)
    assert await deployment.takes_password(address) is deployment.passwords


async def test_removing_an_invited_member_revokes_the_link(deployment: Deployment) -> None:
    address, members = "removed@example.org", "/api/languages/swg/members"
    admin = await language_admin(deployment, "swg", members)
    link = await invite(deployment, admin, members, address, "translator")
    assert (await admin.delete(await path_of(admin, members, address))).status_code == 204
    assert await deployment.refuses(link)
    assert [member["email"] for member in (await admin.get(members)).json()["items"]] == ["admin.swg@example.org"]
