"""Write translations over HTTP, and in one statement."""

from collections.abc import Collection, Mapping
from typing import Any

import httpx

from app.domain.languages.access import Grounds, grounds_of
from app.domain.languages.translations.plain_write_repository import write_plainly
from app.domain.languages.translations.schemas import BatchItem, TranslationView
from tests.support.app import RunningApp

PATH = "/api/languages/de/translations"
NEW = {"If-None-Match": "*"}
ROWS = {
    "texts": "SELECT * FROM translations WHERE language_code = $1 ORDER BY key",
    "versions": "SELECT * FROM translation_versions WHERE language_code = $1 ORDER BY sequence",
}


async def write(client: httpx.AsyncClient, key: str, text: str = "Hallo", **body: str) -> httpx.Response:
    """Create a translation of German."""
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


async def translator_of(app: RunningApp, *codes: str) -> Grounds:
    """The grounds of the right of a new translator of these new languages."""
    user_id = await app.user()
    for code in codes:
        await app.language(code)
        await app.member(user_id, code, "translator")
    grounds = grounds_of(await app.sessions.authenticate(await app.token(user_id)), "translate", codes[0])
    assert grounds
    return grounds


async def put_plainly(
    app: RunningApp, grounds: Grounds, key: str, replaced: Collection[str] | None, text: str = "ours", code: str = "de"
) -> TranslationView | None:
    """Write a text in one statement."""
    new = BatchItem(key=key, text=text, version=None)
    return await write_plainly(app.resources.database, grounds, code, new, replaced, app.clock())


async def rows_of(app: RunningApp, code: str = "de") -> dict[str, list[dict[str, Any]]]:
    """The rows of the language in each table, without its code."""
    pool = app.resources.database.pool
    found = {table: await pool.fetch(statement, code) for table, statement in ROWS.items()}
    return {
        table: [{name: value for name, value in row.items() if name != "language_code"} for row in rows]
        for table, rows in found.items()
    }
