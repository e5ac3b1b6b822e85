"""Flow fixation: an attacker plants a flow in the owner's client, and knows with which flow the owner's code works."""

import pytest

from tests.support.app import RunningApp
from tests.support.mailbox import ask, code_in, redeem

OWNER, CHOSEN = "ada@example.org", "A" * 48
CHOSEN_FLOWS = (CHOSEN, "A" * 43, "", "ü", "x" * 200, "00000000-0000-0000-0000-000000000000")


@pytest.mark.parametrize("chosen", CHOSEN_FLOWS)
@pytest.mark.parametrize("place", ["body", "cookie"])
async def test_a_flow_that_the_service_has_not_made_is_never_adopted(app: RunningApp, chosen: str, place: str) -> None:
    await app.user(OWNER)
    owner = app.client()
    if place == "body":
        answer = await ask(owner, "sign_in", OWNER, flow=chosen)
    else:
        headers = [(b"Cookie", f"auth_flow_sign_in={chosen}".encode())]
        answer = await owner.post("/api/keys", json={"purpose": "sign_in", "email": OWNER}, headers=headers)
    assert answer.status_code == 202
    assert answer.json()["flow"] != chosen
    assert f"auth_flow_sign_in={answer.json()['flow']};" in answer.headers["set-cookie"]

    code = code_in((await app.mails())[-1])
    stolen = await redeem(app.client(), purpose="sign_in", email=OWNER, code=code, flow=chosen or CHOSEN)
    assert stolen.status_code == 410


async def test_the_flow_of_a_request_gives_no_access_to_the_codes_of_other_flows(app: RunningApp) -> None:
    await app.user(OWNER)
    attackers = (await ask(app.client(), "sign_in", OWNER)).json()["flow"]
    await ask(app.client(), "sign_in", OWNER)
    codes = [code_in(message) for message in await app.mails()]

    answers = [
        (await redeem(app.client(), purpose="sign_in", email=OWNER, code=code, flow=attackers)).status_code
        for code in reversed(codes)
    ]
    assert sorted(answers) == [201, 410]


async def test_a_page_of_another_site_cannot_plant_a_flow(app: RunningApp) -> None:
    evil = app.client(Origin="https://evil.example")
    answer = await ask(evil, "sign_in", OWNER)
    assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)
