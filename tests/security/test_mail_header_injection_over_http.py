"""Mail header injection over HTTP: a user's own name, or an address in a request, adds a header or recipient."""

import pytest

from tests.support.app import RunningApp
from tests.support.mailbox import ask

LINE_BREAKS = ["\r\n", "\n", "\r", "\x0b", "\x85", "\u2028"]
INJECTED = "Bcc: everybody@example.org"


@pytest.mark.parametrize("line_break", LINE_BREAKS)
async def test_an_inviters_name_with_a_line_break_adds_no_header(app: RunningApp, line_break: str) -> None:
    await app.language()
    user_id = await app.user(name=f"Ada{line_break}{INJECTED}{line_break}{line_break}Dear friend")
    await app.member(user_id, "de", "admin")
    admin = app.with_cookie(await app.token(user_id))

    answer = await admin.post("/api/languages/de/members", json={"email": "eve@example.org", "roles": []})

    assert answer.status_code == 202
    (message,) = await app.mails()
    assert message["To"] == "eve@example.org"
    assert message["Bcc"] is None
    assert not any(line.startswith(INJECTED[:4]) for line in message.as_string().splitlines())


@pytest.mark.parametrize("line_break", LINE_BREAKS)
async def test_a_name_with_a_line_break_adds_no_header_to_a_sign_up_mail(open_app: RunningApp, line_break: str) -> None:
    answer = await ask(open_app.client(), "sign_up", "eve@example.org", name=f"Eve{line_break}{INJECTED}")

    messages = await open_app.mails()
    assert answer.status_code == 422 or not any(INJECTED in message.as_string() for message in messages)


@pytest.mark.parametrize(
    "address",
    [
        f"eve@example.org\r\n{INJECTED}", f"eve@example.org\n{INJECTED}", "eve@example.org,mallory@example.org",
        "eve@example.org;mallory@example.org", "eve@example.org mallory@example.org", "<eve@example.org>",
        "Eve <eve@example.org>", "eve@example.org%0aBcc:x@example.org", "eve@example.org>\r\nRCPT TO:<x@example.org",
    ],
)  # fmt: skip
async def test_a_text_that_is_not_exactly_one_address_is_refused(app: RunningApp, address: str) -> None:
    for purpose in ("sign_in", "sign_up", "password_reset"):
        assert (await ask(app.client(), purpose, address)).status_code == 422

    assert await app.mails() == []
