"""Adding members to German, and who they are."""

import httpx

from tests.support.app import items

PATH = "/api/languages/de/members"


async def add(client: httpx.AsyncClient, email: str, *roles: str, code: str = "de") -> None:
    """Add somebody by their address."""
    response = await client.post(f"/api/languages/{code}/members", json={"email": email, "roles": roles})
    assert response.status_code == 202, response.text


async def roles_of(client: httpx.AsyncClient) -> dict[str, list[str]]:
    """The roles of all members, by address."""
    return {member["email"]: member["roles"] for member in await items(client, PATH)}


async def member_id(client: httpx.AsyncClient, email: str) -> str:
    """The id of the member with this address."""
    return next(str(member["userId"]) for member in await items(client, PATH) if member["email"] == email)
