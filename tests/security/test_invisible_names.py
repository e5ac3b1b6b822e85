"""Attack: a name that shows nothing, that reorders the text around it, or that looks the same as another one, passes as
a user or a language."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest

from app.audit import OPERATOR
from app.domain.flows.administer_users import create_user_with_link
from app.domain.languages.importing import ImportFileError, read_languages
from app.domain.languages.service import complete_language
from app.errors import Problem
from tests.support.app import SECRET, RunningApp, field_errors, items

NAMES = [" ", "\u200b", "\u2060\u200d", "\u3164", "Ada\u202etxt.exe", "Ada\u2066", "Ada\x1b[2J", "Ada\nAdmin"]

Entrance = Callable[[RunningApp, str], Awaitable[httpx.Response]]


async def own_profile(app: RunningApp, name: str) -> httpx.Response:
    return await (await app.signed_in(onboarded=False)).patch("/api/users/me", json={"name": name})


async def profile_of_another(app: RunningApp, name: str) -> httpx.Response:
    user_id = await app.user("eve@example.org")
    return await (await app.signed_in(admin=True)).patch(f"/api/users/{user_id}", json={"name": name})


async def new_user(app: RunningApp, name: str) -> httpx.Response:
    admin = await app.signed_in(admin=True)
    return await admin.post("/api/users", json={"email": "eve@example.org", "name": name})


async def invitation(app: RunningApp, name: str) -> httpx.Response:
    sent = {"token": await app.invitation(), "name": name, "secret": SECRET}
    return await app.client().post("/api/keys/redeem", json=sent)


async def setup(app: RunningApp, name: str) -> httpx.Response:
    sent = {"token": await app.setup_token(), "email": "eve@example.org", "name": name, "secret": SECRET}
    return await app.client().post("/api/keys/redeem", json=sent)


async def new_language(app: RunningApp, name: str) -> httpx.Response:
    return await (await app.signed_in(admin=True)).post("/api/languages", json={"code": "de", "name": name})


async def language(app: RunningApp, name: str) -> httpx.Response:
    await app.language("de")
    return await (await app.signed_in(admin=True)).patch("/api/languages/de", json={"name": name})


ENTRANCES: list[Entrance] = [own_profile, profile_of_another, new_user, invitation, setup, new_language, language]


@pytest.mark.parametrize("enter", ENTRANCES)
async def test_every_entrance_of_a_name_refuses_one_that_shows_nothing_or_reorders_text(
    app: RunningApp, enter: Entrance
) -> None:
    name = NAMES[ENTRANCES.index(enter) % len(NAMES)]
    assert field_errors(await enter(app, name)) == {"name": "invalid"}


async def _names(app: RunningApp) -> list[str]:
    """The names and autonyms that are stored."""
    pool = app.resources.database.pool
    people = await pool.fetch("SELECT name FROM users WHERE name <> ''")
    languages = await pool.fetch("SELECT name FROM languages WHERE name LIKE 'Jos%'")
    return [row["name"] for row in (*people, *languages)]


@pytest.mark.parametrize("enter", ENTRANCES)
async def test_no_entrance_of_a_name_keeps_a_character_that_shows_nothing(app: RunningApp, enter: Entrance) -> None:
    answer = await enter(app, "\ufeffJo\u200bs\u00ade\u0301\u200d\U000e0041")
    assert answer.is_success, answer.text
    assert "Jos\u00e9" in await _names(app)
    assert not [name for name in await _names(app) if "\u200b" in name or "\u200d" in name]


@pytest.mark.parametrize("name", NAMES)
async def test_every_such_name_is_refused(app: RunningApp, name: str) -> None:
    assert field_errors(await own_profile(app, name)) == {"name": "invalid"}


async def test_the_autonym_of_a_language_is_a_name_too(app: RunningApp) -> None:
    await app.language("de")
    admin = await app.signed_in(admin=True)
    changed = await admin.patch("/api/languages/de", json={"autonym": "\u3164"})
    kept = await admin.patch("/api/languages/de", json={"autonym": "Deu\u00adtsch\u200b"})
    assert kept.json()["autonym"] == "Deutsch"
    created = await admin.post("/api/languages", json={"code": "fa", "name": "Persian", "autonym": "\u200b"})
    assert [field_errors(changed), field_errors(created)] == [{"autonym": "invalid"}] * 2


async def test_the_command_line_refuses_such_names(app: RunningApp, tmp_path: Path) -> None:
    with pytest.raises(Problem):
        await create_user_with_link(OPERATOR, app.resources, "eve@example.org", "\u3164", None)
    path = tmp_path / "languages.csv"
    path.write_text("code,name\nde,\u200b\nfa,Per\u202esian\n")
    with pytest.raises(ImportFileError) as caught:
        read_languages(path, lambda new: complete_language(new, app.clock))
    assert [line[:7] for line in caught.value.lines] == ["line 2:", "line 3:"]


async def test_whoever_asks_for_a_sign_up_names_nobody_so(open_app: RunningApp) -> None:
    sent = {"purpose": "sign_up", "email": "eve@example.org", "name": "\u200b"}
    assert field_errors(await open_app.client().post("/api/keys", json=sent)).keys() == {"name"}


async def test_a_refused_name_leaves_the_link_usable_and_the_accepted_one_is_kept_in_nfc(app: RunningApp) -> None:
    sent = {"token": await app.invitation(), "secret": SECRET}
    assert field_errors(await app.client().post("/api/keys/redeem", json={**sent, "name": "\u200b"})).keys() == {"name"}
    answer = await app.client().post("/api/keys/redeem", json={**sent, "name": " Jose\u0301 "})
    assert answer.json()["user"]["name"] == "Jos\u00e9"


@pytest.mark.parametrize("pasted", ["Jo\u200bhn", "\ufeffJohn", "jo\u00adHN\u200d"])
async def test_a_search_finds_a_name_by_a_text_with_characters_that_show_nothing(app: RunningApp, pasted: str) -> None:
    user_id = await app.user("eve@example.org", name="John")
    await app.member(user_id, await app.language("de", "Johnish"))
    app.clock.forward(seconds=1)
    await app.token(user_id)  # the list of members has the names of those who have been there
    admin = await app.signed_in(admin=True)
    for path in ("/api/users", "/api/languages", "/api/languages/de/members"):
        assert len(await items(admin, path, search=pasted)) == 1, path


async def test_a_search_keeps_the_joiners_that_a_name_needs(app: RunningApp) -> None:
    name = "\u0645\u06cc\u200c\u062f\u0648\u0633\u062a"
    await app.user("eve@example.org", name=name)
    admin = await app.signed_in(admin=True)
    assert [
        len(await items(admin, "/api/users", search=text)) for text in (name, name[:3], name.replace("\u200c", ""))
    ] == [1, 1, 0]
