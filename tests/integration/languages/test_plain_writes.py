"""A plain write of a text is one SQL statement: it leaves the same rows as the transaction does, or none."""

import pytest
from msgspec import structs

from app.audit import Actor
from app.domain.languages.access import Grounds, grounds_of
from app.domain.languages.translations.plain_write_repository import write_plainly
from app.domain.languages.translations.schemas import BatchItem, NewText, State
from app.domain.languages.translations.service import delete_translation, write_translation
from app.http.preconditions import precondition_of_version
from tests.support.app import RunningApp
from tests.support.translations import put_plainly, rows_of, translator_of


async def test_the_statement_leaves_the_same_rows_as_the_transaction(app: RunningApp) -> None:
    grounds, resources = await translator_of(app, "de", "fi"), app.resources
    actor = Actor(grounds.user_id)

    async def both(version: int | None, text: str, state: State = "draft") -> None:
        app.clock.forward(minutes=5)
        item, replaced = BatchItem("a", text, None, state), None if version is None else [str(version)]
        at_once = await write_plainly(resources.database, grounds, "de", item, replaced, app.clock())
        new, precondition = NewText(text, state), precondition_of_version(version)
        by_steps = await write_translation(actor, resources, "fi", "a", new, precondition)
        assert at_once == structs.replace(by_steps, language_code="de")
        assert await rows_of(app, "de") == await rows_of(app, "fi")

    await both(None, "first")
    await both(1, "second")
    await both(2, "second", "approved")
    await both(3, "third")
    for code in ("de", "fi"):
        await delete_translation(actor, resources, code, "a", precondition_of_version(4))
    await both(None, "again")
    for code in ("de", "fi"):
        await app.resources.database.pool.execute("DELETE FROM languages WHERE code = $1", code)
        await app.language(code)
        await app.member(grounds.user_id, code, "translator")
    await both(None, "in the new language")
    versions = [(row["version"], row["sequence"]) for row in (await rows_of(app))["versions"]]
    assert versions == [(7, 7)]


@pytest.mark.parametrize(
    ("key", "replaced", "text"),
    [
        ("a", None, "ours"),
        ("a", [], "ours"),
        ("a", ["2", "01", "x", ""], "ours"),
        ("new", ["1"], "ours"),
        ("a", ["1"], "stored already"),
    ],
)
async def test_a_write_that_is_not_plain_leaves_no_row(
    app: RunningApp, key: str, replaced: list[str] | None, text: str
) -> None:
    grounds = await translator_of(app, "de")
    await put_plainly(app, grounds, "a", None, "stored already")
    before = await rows_of(app)

    assert await put_plainly(app, grounds, key, replaced, text) is None
    assert await rows_of(app) == before


async def test_a_write_replaces_any_version_of_a_list(app: RunningApp) -> None:
    grounds = await translator_of(app, "de")
    await put_plainly(app, grounds, "a", None, "before")
    written = await put_plainly(app, grounds, "a", ["7", "1"], "new")
    assert written
    assert written.version == 2


@pytest.mark.parametrize(
    ("roles", "is_admin", "onboarded", "allowed"),
    [
        (("translator",), False, True, True),
        (("admin", "translator"), True, True, True),
        (("admin",), True, True, False),
        ((), False, True, False),
        (("translator",), False, False, False),
        (None, True, True, False),
    ],
)
async def test_the_grounds_of_a_right_are_those_on_which_the_policy_decides(
    app: RunningApp, roles: tuple[str, ...] | None, is_admin: bool, onboarded: bool, allowed: bool
) -> None:
    for code in ("de", "fi"):
        await app.language(code)
    user_id = await app.user(admin=is_admin, onboarded=onboarded)
    await app.member(user_id, "fi", "translator")
    if roles is not None:
        await app.member(user_id, "de", *roles)
    grounds = grounds_of(await app.sessions.authenticate(await app.token(user_id)), "translate", "de")
    assert grounds == (Grounds(user_id, "admin" if is_admin else None, roles or ()) if allowed else None)
