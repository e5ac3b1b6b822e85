"""Request single-use keys over HTTP, and read the code and the link in a mail."""

import re
from email.message import EmailMessage

import httpx

from tests.support.app import RunningApp

# The flow of the latest request for each purpose and address.
_FLOWS: dict[tuple[str, str], str] = {}
UNKNOWN_FLOW = "A" * 48


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


def flow_of(purpose: str, email: str = "ada@example.org") -> str:
    """The flow of the latest request for this purpose and address; an unknown flow if there was none."""
    return _FLOWS.get((purpose, email.strip().lower()), UNKNOWN_FLOW)


def secret_for(purpose: str) -> dict[str, str]:
    """The new secret, where redeeming a key of this purpose takes one."""
    return {"secret": "nine quiet herons over water"} if purpose == "password_reset" else {}


def by_code(code: str, email: str = "ada@example.org") -> dict[str, str]:
    """The body that signs in with a code of the latest request for the address."""
    return {"method": "code", "email": email, "code": code, "flow": flow_of("sign_in", email)}


def is_accepted(answer: httpx.Response) -> bool:
    """Whether the answer is that of every accepted request for a key."""
    body = answer.json()
    return answer.status_code == 202 and body.keys() == {"status", "flow", "resendAfter", "expiresIn"}


async def ask(client: httpx.AsyncClient, purpose: str, email: str = "ada@example.org", **sent: str) -> httpx.Response:
    """Request a single-use key."""
    answer = await client.post("/api/keys", json={"purpose": purpose, "email": email, **sent})
    if answer.status_code == 202:
        _FLOWS[purpose, email.strip().lower()] = answer.json()["flow"]
    return answer


async def mailed(app: RunningApp, purpose: str, email: str = "ada@example.org", **sent: str) -> EmailMessage:
    """Request a single-use key and run the due jobs. Returns the one mail that they send."""
    before = len(await app.mails())
    assert is_accepted(await ask(app.client(), purpose, email, **sent))
    (message,) = (await app.mails())[before:]
    return message


async def redeem(client: httpx.AsyncClient, **sent: str | bool) -> httpx.Response:
    """Redeem a single-use key: a code with the flow of the latest request for its purpose and address, if not given."""
    if "code" in sent and "flow" not in sent:
        sent["flow"] = flow_of(str(sent.get("purpose", "")), str(sent.get("email", "")))
    return await client.post("/api/keys/redeem", json=sent)
