"""The cookies of flows: a browser is in one flow of each purpose."""

import pytest

from tests.support.app import RunningApp
from tests.support.mailbox import code_in, secret_for

ADDRESS, NEW_ADDRESS = "ada@example.org", "new@example.org"


@pytest.mark.parametrize(
    ("other", "address"), [("password_reset", ADDRESS), ("sign_up", ADDRESS), ("email_change", NEW_ADDRESS)]
)
async def test_a_request_for_another_purpose_leaves_the_flow_in_the_cookie_usable(
    app: RunningApp, other: str, address: str
) -> None:
    browser = await app.signed_in(ADDRESS)
    codes = {}
    for purpose, email in (("sign_in", ADDRESS), (other, address)):
        asked = await browser.post("/api/keys", json={"purpose": purpose, "email": email})
        assert asked.status_code == 202
        codes[purpose] = code_in((await app.mails())[-1])

    first = await browser.post("/api/session/reauthentication", json={"method": "code", "code": codes["sign_in"]})
    assert first.status_code == 200
    sent = {"purpose": other, "email": address, "code": codes[other], **secret_for(other)}
    assert (await browser.post("/api/keys/redeem", json=sent)).status_code == 201


async def test_the_cookie_is_named_after_the_purpose(app: RunningApp) -> None:
    for purpose in ("sign_in", "password_reset"):
        asked = await app.client().post("/api/keys", json={"purpose": purpose, "email": ADDRESS})
        assert asked.headers["set-cookie"].startswith(f"auth_flow_{purpose}={asked.json()['flow']}; Max-Age=600; ")
