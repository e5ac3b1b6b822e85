"""Purpose confusion: a mailed code or link is taken for another purpose, address or user than it was mailed for."""

import pytest

from tests.support.app import SECRET, World, is_signed_in
from tests.support.mailbox import ask, code_in, mailed, redeem, token_in

ADA, EVE, NEW = "ada@example.org", "eve@example.org", "new@example.org"
PURPOSES = ("sign_in", "sign_up", "password_reset", "email_change", "email_change_undo", "invitation", "", "superuser")
OTHERS = {"name": "Eve", "secret": SECRET}


@pytest.mark.parametrize("purpose", ["sign_in", "sign_up", "password_reset", "email_change"])
async def test_a_code_is_worthless_for_every_other_purpose_and_address(world: World, purpose: str) -> None:
    await world.user(EVE)
    ada = await world.signed_in(ADA)
    address = NEW if purpose == "email_change" else ADA
    await ask(ada, purpose, address)
    code = code_in((await world.mails())[-1])

    for other in PURPOSES:
        for email in (ADA, EVE, NEW):
            if (other, email) != (purpose, address):
                answer = await redeem(ada, purpose=other, email=email, code=code, **OTHERS)
                assert answer.status_code in (410, 422), (other, email)

    rightful = await redeem(ada, purpose=purpose, email=address, code=code, **OTHERS)
    assert rightful.status_code == 201


@pytest.mark.parametrize("purpose", ["password_reset", "sign_up", "invitation"])
async def test_only_a_sign_in_link_signs_in_where_signing_in_is_asked_for(open_or_both: World, purpose: str) -> None:
    world = open_or_both
    if purpose == "invitation":
        token = await world.invitation(EVE)
    else:
        await world.user(ADA)
        token = token_in(await mailed(world, purpose, ADA))
    client = world.client()

    answer = await client.post("/api/session", json={"method": "link", "token": token})

    assert answer.status_code == 410
    assert not await is_signed_in(client)
    assert (await redeem(client, token=token, **OTHERS)).status_code == 201


@pytest.fixture
def open_or_both(request: pytest.FixtureRequest, world: World, open_world: World) -> World:
    """The deployment that has the purpose at hand."""
    return open_world if request.node.callspec.params["purpose"] == "sign_up" else world


async def test_an_address_change_is_worthless_to_everybody_but_who_asked(world: World) -> None:
    ada, eve = await world.signed_in(ADA), await world.signed_in(EVE)
    await ask(ada, "email_change", NEW)
    body = {"purpose": "email_change", "email": NEW, "code": code_in((await world.mails())[-1])}

    for client in (eve, world.client()):
        assert (await redeem(client, **body)).status_code == 410
    assert (await redeem(ada, **body)).json()["user"]["email"] == NEW


async def test_a_code_of_another_user_proves_nothing_again(world: World) -> None:
    ada = await world.signed_in(ADA)
    await world.user(EVE)
    code = code_in(await mailed(world, "sign_in", EVE))

    answer = await ada.post("/api/session/reauthentication", json={"method": "code", "code": code})

    assert answer.status_code == 410
    assert (await redeem(world.client(), purpose="sign_in", email=EVE, code=code)).status_code == 201


async def test_an_address_sent_with_a_link_must_be_its_own(world: World) -> None:
    await world.user(ADA)
    await world.user(EVE)
    token = token_in(await mailed(world, "password_reset", ADA))

    assert (await redeem(world.client(), token=token, email=EVE, secret=SECRET)).status_code == 410
    answer = await redeem(world.client(), token=token, email=ADA, secret=SECRET)
    assert answer.json()["user"]["email"] == ADA
