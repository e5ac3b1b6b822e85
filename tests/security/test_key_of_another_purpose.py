"""Purpose confusion: a mailed code or link is taken for another purpose, address or user than it was mailed for."""

import pytest

from tests.support.app import SECRET, RunningApp, is_signed_in
from tests.support.mailbox import ask, code_in, mailed, redeem, token_in

ADA, EVE, NEW = "ada@example.org", "eve@example.org", "new@example.org"
PURPOSES = ("sign_in", "sign_up", "password_reset", "email_change", "email_change_undo", "invitation", "", "superuser")
OTHERS = {"name": "Eve", "secret": SECRET}


@pytest.mark.parametrize("purpose", ["sign_in", "sign_up", "password_reset", "email_change"])
async def test_a_code_is_worthless_for_every_other_purpose_and_address(app: RunningApp, purpose: str) -> None:
    await app.user(EVE)
    ada = await app.signed_in(ADA)
    address = NEW if purpose == "email_change" else ADA
    await ask(ada, purpose, address)
    code = code_in((await app.mails())[-1])

    for other in PURPOSES:
        for email in (ADA, EVE, NEW):
            if (other, email) != (purpose, address):
                answer = await redeem(ada, purpose=other, email=email, code=code, **OTHERS)
                assert answer.status_code in (410, 422), (other, email)

    rightful = await redeem(ada, purpose=purpose, email=address, code=code, **OTHERS)
    assert rightful.status_code == 201


@pytest.mark.parametrize("purpose", ["password_reset", "sign_up", "invitation"])
async def test_only_a_sign_in_link_signs_in_where_signing_in_is_asked_for(
    open_or_both: RunningApp, purpose: str
) -> None:
    app = open_or_both
    if purpose == "invitation":
        token = await app.invitation(EVE)
    else:
        await app.user(ADA)
        token = token_in(await mailed(app, purpose, ADA))
    client = app.client()

    answer = await client.post("/api/session", json={"method": "link", "token": token})

    assert answer.status_code == 410
    assert not await is_signed_in(client)
    assert (await redeem(client, token=token, **OTHERS)).status_code == 201


@pytest.fixture
def open_or_both(request: pytest.FixtureRequest, app: RunningApp, open_app: RunningApp) -> RunningApp:
    """The deployment that has the purpose at hand."""
    return open_app if request.node.callspec.params["purpose"] == "sign_up" else app


async def test_an_address_change_is_worthless_to_everybody_but_who_asked(app: RunningApp) -> None:
    ada, eve = await app.signed_in(ADA), await app.signed_in(EVE)
    await ask(ada, "email_change", NEW)
    body = {"purpose": "email_change", "email": NEW, "code": code_in((await app.mails())[-1])}

    for client in (eve, app.client()):
        assert (await redeem(client, **body)).status_code == 410
    assert (await redeem(ada, **body)).json()["user"]["email"] == NEW


async def test_a_code_of_another_user_proves_nothing_again(app: RunningApp) -> None:
    ada = await app.signed_in(ADA)
    await app.user(EVE)
    code = code_in(await mailed(app, "sign_in", EVE))

    answer = await ada.post("/api/session/reauthentication", json={"method": "code", "code": code})

    assert answer.status_code == 410
    assert (await redeem(app.client(), purpose="sign_in", email=EVE, code=code)).status_code == 201


async def test_an_address_sent_with_a_link_must_be_its_own(app: RunningApp) -> None:
    await app.user(ADA)
    await app.user(EVE)
    token = token_in(await mailed(app, "password_reset", ADA))

    assert (await redeem(app.client(), token=token, email=EVE, secret=SECRET)).status_code == 410
    answer = await redeem(app.client(), token=token, email=ADA, secret=SECRET)
    assert answer.json()["user"]["email"] == ADA
