"""Purpose confusion: a mailed code or link is accepted for another purpose, address or user than it was mailed for."""

import pytest

from tests.support.app import SECRET, RunningApp, is_signed_in
from tests.support.mailbox import ask, code_in, flow_of, mailed, redeem, secret_for, token_in

ADA, EVE, NEW = "ada@example.org", "eve@example.org", "new@example.org"
PURPOSES = ("sign_in", "sign_up", "password_reset", "email_change", "email_change_undo", "invitation", "", "superuser")
PROFILE = {"sign_up": {"name": "Eve"}, "invitation": {"name": "Eve", "secret": SECRET}}


def fields(purpose: str) -> dict[str, str]:
    """What redeeming a key of this purpose takes."""
    return PROFILE.get(purpose, secret_for(purpose))


@pytest.mark.parametrize("purpose", ["sign_in", "sign_up", "password_reset", "email_change"])
async def test_a_code_is_refused_for_every_other_purpose_and_address(app: RunningApp, purpose: str) -> None:
    await app.user(EVE)
    ada = await app.signed_in(ADA)
    address = NEW if purpose == "email_change" else ADA
    await ask(ada, purpose, address)
    code = code_in((await app.mails())[-1])

    for other_purpose in PURPOSES:
        for email in (ADA, EVE, NEW):
            if (other_purpose, email) != (purpose, address):
                answer = await redeem(ada, purpose=other_purpose, email=email, code=code, **fields(other_purpose))
                assert answer.status_code in (410, 422), (other_purpose, email)

    accepted = await redeem(ada, purpose=purpose, email=address, code=code, **fields(purpose))
    assert accepted.status_code == 201


@pytest.mark.parametrize("purpose", ["password_reset", "sign_up", "invitation"])
async def test_the_sign_in_route_accepts_sign_in_links_only(app_of_purpose: RunningApp, purpose: str) -> None:
    app = app_of_purpose
    if purpose == "invitation":
        token = await app.invitation(EVE)
    else:
        await app.user(ADA)
        token = token_in(await mailed(app, purpose, ADA))
    client = app.client()

    answer = await client.post("/api/session", json={"method": "link", "token": token})

    assert answer.status_code == 410
    assert not await is_signed_in(client)
    assert (await redeem(client, token=token, **fields(purpose))).status_code == 201


@pytest.fixture
def app_of_purpose(request: pytest.FixtureRequest, app: RunningApp, open_app: RunningApp) -> RunningApp:
    """The deployment that offers the purpose of the test."""
    return open_app if request.node.callspec.params["purpose"] == "sign_up" else app


async def test_the_code_of_an_email_change_is_refused_for_other_users(app: RunningApp) -> None:
    ada, eve = await app.signed_in(ADA), await app.signed_in(EVE)
    await ask(ada, "email_change", NEW)
    body = {"purpose": "email_change", "email": NEW, "code": code_in((await app.mails())[-1])}

    for client in (eve, app.client()):
        assert (await redeem(client, **body)).status_code == 410
    assert (await redeem(ada, **body)).json()["user"]["email"] == NEW


async def test_a_code_of_another_user_does_not_reauthenticate(app: RunningApp) -> None:
    ada = await app.signed_in(ADA)
    await app.user(EVE)
    code = code_in(await mailed(app, "sign_in", EVE))

    proof = {"method": "code", "code": code, "flow": flow_of("sign_in", EVE)}
    answer = await ada.post("/api/session/reauthentication", json=proof)

    assert answer.status_code == 410
    assert (await redeem(app.client(), purpose="sign_in", email=EVE, code=code)).status_code == 201


async def test_a_link_is_refused_with_another_address(app: RunningApp) -> None:
    await app.user(ADA)
    await app.user(EVE)
    token = token_in(await mailed(app, "password_reset", ADA))

    assert (await redeem(app.client(), token=token, email=EVE, secret=SECRET)).status_code == 410
    answer = await redeem(app.client(), token=token, email=ADA, secret=SECRET)
    assert answer.json()["user"]["email"] == ADA
