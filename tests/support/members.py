"""Add members to a language over HTTP, and read the members of German."""

import httpx

from tests.support.app import items

PATH = "/api/languages/de/members"


async def add(client: httpx.AsyncClient, email: str, *roles: str, code: str = "de") -> None:
    """Add a member to the language by email address."""
    response = await client.post(f"/api/languages/{code}/members", json={"email": email, "roles": roles})
    assert response.status_code == 202, response.text


async def roles_of(client: httpx.AsyncClient) -> dict[str, list[str]]:
    """The roles of each member of German, by email address."""
    return {member["email"]: member["roles"] for member in await items(client, PATH)}


async def member_id(client: httpx.AsyncClient, email: str) -> str:
    """The user id of the member of German with this email address."""
    return next(str(member["userId"]) for member in await items(client, PATH) if member["email"] == email)
