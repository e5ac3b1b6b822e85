"""Write translations of German over HTTP."""

from collections.abc import Mapping

import httpx

PATH = "/api/languages/de/translations"
NEW = {"If-None-Match": "*"}


async def write(client: httpx.AsyncClient, key: str, text: str = "Hallo", **body: str) -> httpx.Response:
    """Create a translation."""
    response = await client.put(f"{PATH}/{key}", json={"text": text, **body}, headers=NEW)
    assert response.status_code == 201, response.text
    return response


def at(version: int) -> dict[str, str]:
    """The `If-Match` header for this version of a translation."""
    return {"If-Match": f'"{version}"'}


def item(key: str, version: int | None = None, text: str = "Hallo", **rest: str) -> dict[str, object]:
    """One item of a batch; without a version, the item creates a translation."""
    return {"key": key, "text": text, "version": version, **rest}


async def batch(client: httpx.AsyncClient, *writes: Mapping[str, object]) -> httpx.Response:
    """Write several translations in one batch."""
    return await client.post(f"{PATH}/batch", json={"items": writes})
