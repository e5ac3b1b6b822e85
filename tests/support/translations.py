"""Writing texts in German."""

from collections.abc import Mapping

import httpx

PATH = "/api/languages/de/translations"
NEW = {"If-None-Match": "*"}


async def write(client: httpx.AsyncClient, key: str, text: str = "Hallo", **body: str) -> httpx.Response:
    """Write a new text."""
    response = await client.put(f"{PATH}/{key}", json={"text": text, **body}, headers=NEW)
    assert response.status_code == 201, response.text
    return response


def at(version: int) -> dict[str, str]:
    """The header that names the version to replace."""
    return {"If-Match": f'"{version}"'}


def item(key: str, version: int | None = None, text: str = "Hallo", **rest: str) -> dict[str, object]:
    """One write of a batch."""
    return {"key": key, "text": text, "version": version, **rest}


async def batch(client: httpx.AsyncClient, *writes: Mapping[str, object]) -> httpx.Response:
    """Write several texts at once."""
    return await client.post(f"{PATH}/batch", json={"items": writes})
