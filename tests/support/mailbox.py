"""Request single-use keys over HTTP, and read the code and the link in a mail."""

import re
from email.message import EmailMessage

import httpx

from tests.support.app import RunningApp


def text_of(message: EmailMessage) -> str:
    """The plain text part of a mail."""
    part = message.get_body(("plain",))
    assert part
    content: str = part.get_content()
    return content.replace("\r\n", "\n")


def code_in(message: EmailMessage) -> str:
    """The code in a mail: the first line of 8 digits."""
    found = re.search(r"^[0-9]{8}$", text_of(message), re.MULTILINE)
    assert found, text_of(message)
    return found[0]


def token_in(message: EmailMessage) -> str:
    """The token of the link in a mail."""
    found = re.search(r"/redeem#token=(osk_\S+)", text_of(message))
    assert found, text_of(message)
    return found[1]


def wrong(code: str) -> str:
    """A code that differs from this code."""
    return f"{(int(code) + 1) % 10**8:08}"


async def ask(client: httpx.AsyncClient, purpose: str, email: str = "ada@example.org", **sent: str) -> httpx.Response:
    """Request a single-use key."""
    return await client.post("/api/keys", json={"purpose": purpose, "email": email, **sent})


async def mailed(app: RunningApp, purpose: str, email: str = "ada@example.org", **sent: str) -> EmailMessage:
    """Request a single-use key and run the due jobs. Returns the one mail that they send."""
    before = len(await app.mails())
    response = await ask(app.client(), purpose, email, **sent)
    assert (response.status_code, response.json()) == (202, {"status": "accepted"})
    (message,) = (await app.mails())[before:]
    return message


async def redeem(client: httpx.AsyncClient, **sent: str | bool) -> httpx.Response:
    """Redeem a single-use key."""
    return await client.post("/api/keys/redeem", json=sent)
