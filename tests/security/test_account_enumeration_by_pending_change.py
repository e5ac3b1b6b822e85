"""Account enumeration: the list of one's own pending changes of address tells which addresses have an account."""

from typing import Any

import httpx
import pytest

from app.audit import OPERATOR
from app.domain.flows.administer_users import end_sessions, suspend_user
from tests.support.app import RunningApp, items, problem
from tests.support.mailbox import ask, code_in, flow_of, is_accepted, redeem

KNOWN, SUSPENDED, UNKNOWN = "eve@example.org", "sue@example.org", "nobody@example.org"
ADDRESSES = (KNOWN, SUSPENDED, UNKNOWN)
WRONG = "00000000"


@pytest.fixture
async def ada(either: RunningApp) -> httpx.AsyncClient:
    """A user who wants to know which of the addresses have an account."""
    await either.user(KNOWN)
    await suspend_user(OPERATOR, either.resources, await either.user(SUSPENDED))
    return await either.signed_in()


async def pending(client: httpx.AsyncClient) -> dict[str, Any]:
    """The pending changes, by address, without what each key has of its own."""
    listed = await items(client, "/api/keys", purpose="email_change")
    return {key.pop("address"): {**key, "id": ""} for key in listed}


async def ask_for_all(app: RunningApp, client: httpx.AsyncClient) -> None:
    for address in ADDRESSES:
        assert is_accepted(await ask(client, "email_change", address))
        await app.mails()


async def guess(client: httpx.AsyncClient, address: str) -> dict[str, Any]:
    """The problem of a wrong code."""
    return {**problem(await redeem(client, purpose="email_change", email=address, code=WRONG)), "instance": ""}


async def test_a_pending_change_looks_the_same_for_every_address(either: RunningApp, ada: httpx.AsyncClient) -> None:
    await ask_for_all(either, ada)
    listed = await pending(ada)
    assert tuple(listed) == ADDRESSES
    assert listed[KNOWN] == listed[SUSPENDED] == listed[UNKNOWN]
    assert [message["To"] for message in await either.mails()] == [UNKNOWN]


async def test_a_pending_change_expires_for_every_address(either: RunningApp, ada: httpx.AsyncClient) -> None:
    await ask_for_all(either, ada)
    either.clock.forward(minutes=9, seconds=59)
    assert tuple(await pending(ada)) == ADDRESSES
    either.clock.forward(seconds=1)
    assert await pending(ada) == {}


async def test_a_pending_change_is_cancelled_alike_for_every_address(
    either: RunningApp, ada: httpx.AsyncClient
) -> None:
    await ask_for_all(either, ada)
    for key in await items(ada, "/api/keys", purpose="email_change"):
        assert [(await ada.delete(f"/api/keys/{key['id']}")).status_code for _ in range(2)] == [204, 204]
    assert await pending(ada) == {}


async def test_wrong_codes_are_answered_and_end_a_pending_change_alike(
    either: RunningApp, ada: httpx.AsyncClient
) -> None:
    await ask_for_all(either, ada)
    for left in (4, 3, 2, 1, 0):
        answers = [await guess(ada, address) for address in ADDRESSES]
        assert answers == answers[:1] * 3
        assert answers[0]["params"]["triesLeft"] == left
        assert tuple(await pending(ada)) == (ADDRESSES if left else ())


@pytest.mark.parametrize("continued", [True, False])
async def test_the_limits_of_mail_count_alike_for_every_address(
    either: RunningApp, ada: httpx.AsyncClient, continued: bool
) -> None:
    numbers = []
    for _ in range(7):
        for address in ADDRESSES:
            await ask(ada, "email_change", address, **({"flow": flow_of("email_change", address)} if continued else {}))
        ada.cookies.delete("auth_flow_email_change")
        await either.mails()
        listed = [key["address"] for key in await items(ada, "/api/keys", purpose="email_change")]
        numbers.append([listed.count(address) for address in ADDRESSES])
        either.clock.forward(seconds=31)
    assert all(known == suspended == unknown for known, suspended, unknown in numbers)
    assert len([message for message in await either.mails() if message["To"] == UNKNOWN]) == 5


@pytest.mark.parametrize("act", ["end", "suspend", "delete", "change"])
async def test_what_the_owner_of_an_address_does_changes_no_pending_change_of_others(
    either: RunningApp, ada: httpx.AsyncClient, act: str
) -> None:
    await ask_for_all(either, ada)
    user_id = await either.resources.database.pool.fetchval("SELECT id FROM users WHERE email = $1", KNOWN)
    if act == "suspend":
        await suspend_user(OPERATOR, either.resources, user_id)
    elif act == "end":
        await end_sessions(OPERATOR, either.resources, user_id)
    elif act == "delete":
        await either.execute("DELETE FROM users WHERE id = $1", user_id)
    else:
        eve = either.with_cookie(await either.token(user_id))
        await ask(eve, "email_change", "eve@other.example.org")
        code = code_in((await either.mails())[-1])
        assert (await redeem(eve, purpose="email_change", email="eve@other.example.org", code=code)).status_code == 201
    assert tuple(await pending(ada)) == ADDRESSES


async def test_a_new_account_of_the_address_leaves_the_pending_change_and_its_code_tells_it(
    either: RunningApp, ada: httpx.AsyncClient
) -> None:
    """Only who holds the code reads the mail of the address."""
    await ask_for_all(either, ada)
    code = code_in((await either.mails())[-1])
    user_id = await either.user(UNKNOWN)
    await end_sessions(OPERATOR, either.resources, user_id)
    assert tuple(await pending(ada)) == ADDRESSES
    assert (await guess(ada, UNKNOWN))["code"] == "key_not_usable"
    right = await redeem(ada, purpose="email_change", email=UNKNOWN, code=code)
    assert problem(right)["code"] == "email_taken"
