"""Tokens for other back ends in tests, read without a library."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import httpx

from tests.support.app import TOKEN_AUDIENCE


def decoded(part: str) -> dict[str, Any]:
    """One part of a token: its header or its claims."""
    parsed: dict[str, Any] = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return parsed


def encoded(data: bytes) -> str:
    """Bytes as a part of a token."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def header_of(token: str) -> dict[str, Any]:
    """The header of a token."""
    return decoded(token.split(".", maxsplit=1)[0])


def claims_of(token: str) -> dict[str, Any]:
    """The claims of a token; its signature is not verified."""
    return decoded(token.split(".")[1])


async def token_for(client: httpx.AsyncClient, audience: str = TOKEN_AUDIENCE) -> str:
    """A token of the client."""
    answer = await client.post("/api/session/token", json={"audience": audience})
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["token"]
    return token


async def kids_published(client: httpx.AsyncClient) -> list[str]:
    """The ids of the published keys, in the order in which they sign."""
    answer = await client.get("/.well-known/jwks.json")
    assert answer.status_code == 200, answer.text
    return [key["kid"] for key in answer.json()["keys"]]
