"""A change of address that waits for its code: the user sees it in the list of keys, and can cancel it."""

from typing import Any

import httpx
import pytest

from app.domain.flows.purpose_registry import PURPOSES
from app.domain.keys.service import CODE_ONLY_PURPOSES
from tests.support.app import RunningApp, items, problem
from tests.support.mailbox import ask, code_in, redeem, wrong

NEW, OTHER = "ada@new.example.org", "ada@other.example.org"


async def pending(client: httpx.AsyncClient) -> list[Any]:
    """The changes of address that wait for their code."""
    return await items(client, "/api/keys", purpose="email_change")


async def change_to(client: httpx.AsyncClient, address: str, code: str) -> httpx.Response:
    return await redeem(client, purpose="email_change", email=address, code=code)


async def test_a_requested_change_is_listed_with_its_address_until_it_is_done(either: RunningApp) -> None:
    ada = await either.signed_in()
    assert await pending(ada) == []
    await ask(ada, "email_change", NEW)
    code = code_in((await either.mails())[-1])
    assert [(key["purpose"], key["address"]) for key in await pending(ada)] == [("email_change", NEW)]
    assert (await change_to(ada, NEW, code)).status_code == 201
    assert await pending(ada) == []


async def test_a_cancelled_change_is_not_listed_and_its_code_changes_nothing(either: RunningApp) -> None:
    ada = await either.signed_in()
    await ask(ada, "email_change", NEW)
    code = code_in((await either.mails())[-1])
    (key,) = await pending(ada)
    assert [(await ada.delete(f"/api/keys/{key['id']}")).status_code for _ in range(2)] == [204, 204]
    assert await pending(ada) == []
    assert problem(await change_to(ada, NEW, code))["code"] == "key_not_usable"
    assert (await ada.get("/api/session")).json()["user"]["email"] == "ada@example.org"


async def test_asking_again_leaves_one_pending_change(either: RunningApp) -> None:
    ada = await either.signed_in()
    for _ in range(3):
        await ask(ada, "email_change", NEW)
        await either.mails()
        either.clock.forward(seconds=31)
    assert [key["address"] for key in await pending(ada)] == [NEW]


async def test_changes_to_two_addresses_are_cancelled_one_by_one(either: RunningApp) -> None:
    ada = await either.signed_in()
    for address in (NEW, OTHER):
        await ask(ada, "email_change", address)
        await either.mails()
    first, second = await pending(ada)
    await ada.delete(f"/api/keys/{first['id']}")
    assert await pending(ada) == [second]


@pytest.mark.parametrize("end", ["time", "guesses"])
async def test_a_change_whose_code_works_no_more_is_not_pending(either: RunningApp, end: str) -> None:
    ada = await either.signed_in()
    await ask(ada, "email_change", NEW)
    code = code_in((await either.mails())[-1])
    if end == "time":
        either.clock.forward(minutes=10)
    else:
        for _ in range(5):
            await change_to(ada, NEW, wrong(code))
    assert await pending(ada) == []


async def test_nobody_else_sees_or_cancels_a_pending_change(either: RunningApp) -> None:
    ada, eve = await either.signed_in(), await either.signed_in("eve@example.org")
    await ask(ada, "email_change", NEW)
    await either.mails()
    (key,) = await pending(ada)
    assert await pending(eve) == []
    assert problem(await eve.delete(f"/api/keys/{key['id']}"))["code"] == "forbidden"
    assert await pending(ada) == [key]


def test_the_purposes_without_a_link_are_those_that_the_list_of_keys_knows() -> None:
    without = {item.name for item in PURPOSES.values() if item.request and item.link_lifetime is None}
    assert without == CODE_ONLY_PURPOSES


@pytest.mark.parametrize("purpose", ["", "a" * 41, "email change", "\0"])
async def test_a_purpose_that_cannot_be_one_is_refused(either: RunningApp, purpose: str) -> None:
    ada = await either.signed_in()
    assert (await ada.get("/api/keys", params={"purpose": purpose})).status_code == 422
