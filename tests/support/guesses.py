"""Guesses at secrets and codes, and limits that are spent."""

import httpx

from tests.support.app import SECRET, RunningApp

ADDRESS = "ada@example.org"
WRONG_SECRET = "nine quiet herons over water"


async def guess(client: httpx.AsyncClient, secret: str = WRONG_SECRET, email: str = ADDRESS) -> httpx.Response:
    """Sign in with a secret, by default with a wrong one."""
    return await client.post("/api/session", json={"method": "password", "email": email, "secret": secret})


async def known_device(app: RunningApp, email: str = ADDRESS, secret: str = SECRET) -> httpx.AsyncClient:
    """A client on which the user has signed in before, and which has no session now."""
    client = app.client(ip="198.51.100.1")
    answer = await guess(client, secret, email)
    assert answer.status_code == 201, answer.text
    await client.delete("/api/session")
    await app.resources.background.flush()
    return client


async def spend(app: RunningApp, limit: str, identifier: str = ADDRESS) -> int:
    """Use up a limit. Returns the number of uses that were left."""
    uses = 0
    while await app.resources.rate_limits.allows(limit, identifier):
        await app.resources.rate_limits.hit(limit, identifier)
        uses += 1
    return uses


async def verify_addresses(app: RunningApp) -> None:
    """Mark all addresses as verified: otherwise the first sign-in by mail removes the secret."""
    await app.execute("UPDATE users SET email_verified_at = $1", app.clock())
