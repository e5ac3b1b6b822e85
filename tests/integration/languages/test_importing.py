"""Importing languages into the database: all lines of a file or none, and the shipped file of ISO 639-1."""

import csv
import unicodedata
from pathlib import Path

import pytest

from app.audit import OPERATOR
from app.domain.languages import codes
from app.domain.languages.importing import ImportFileError, read_languages
from app.domain.languages.service import complete_language, import_languages
from app.errors import Problem
from tests.support.app import RunningApp

SHIPPED = Path(__file__).parents[3] / "examples" / "languages.csv"
ISO_639_1 = """
aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo es et
eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk
kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny
oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk
tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
"""
RIGHT_TO_LEFT = {"ae", "ar", "dv", "fa", "he", "ks", "ps", "sd", "ug", "ur", "yi"}


async def import_file(app: RunningApp, path: Path) -> int:
    """Import a file as `ostiary languages import` does; returns the number of languages."""
    rows = read_languages(path, lambda new: complete_language(new, app.clock))
    await import_languages(OPERATOR, app.resources, rows)
    return len(rows)


async def stored(app: RunningApp) -> dict[str, str]:
    """The text direction of every language, by code."""
    rows = await app.resources.database.pool.fetch("SELECT code, text_direction FROM languages")
    return {row["code"]: row["text_direction"] for row in rows}


async def test_the_shipped_file_has_every_language_of_iso_639_1_with_its_canonical_code(app: RunningApp) -> None:
    iso_639_1 = ISO_639_1.split()
    assert len(iso_639_1) == 183
    assert await import_file(app, SHIPPED) == 183
    directions = await stored(app)
    assert directions.keys() == {codes.canonical(code) for code in iso_639_1}
    assert {code for code, direction in directions.items() if direction == "rtl"} == RIGHT_TO_LEFT


def test_the_shipped_autonyms_are_in_nfc_and_in_the_given_direction() -> None:
    with SHIPPED.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["code"] for row in rows] == sorted(codes.canonical(row["code"]) for row in rows)
    for row in rows:
        assert all(unicodedata.is_normalized("NFC", value) and value == value.strip() for value in row.values()), row
        first_strong = next(kind for kind in map(unicodedata.bidirectional, row["autonym"]) if kind in {"L", "R", "AL"})
        assert row["textDirection"] == ("ltr" if first_strong == "L" else "rtl"), row


async def test_a_missing_autonym_or_direction_follows_from_the_code(app: RunningApp, tmp_path: Path) -> None:
    path = tmp_path / "some.jsonl"
    path.write_text('{"code":"PT","name":"Portuguese"}\n{"code":"iw","name":"Hebrew"}\n')
    await import_file(app, path)
    rows = await app.resources.database.pool.fetch("SELECT code, autonym, text_direction FROM languages ORDER BY 1")
    assert [tuple(row) for row in rows] == [("he", "עברית", "rtl"), ("pt", "português", "ltr")]


async def test_two_spellings_of_the_same_code_in_a_file_are_refused(app: RunningApp, tmp_path: Path) -> None:
    path = tmp_path / "twice.csv"
    path.write_text("code,name\nhe,Hebrew\niw,Hebrew\n")
    with pytest.raises(ImportFileError, match="line 3: he is in the file twice"):
        await import_file(app, path)
    assert await stored(app) == {}


async def test_an_invalid_code_is_reported_with_its_line_number(app: RunningApp, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("code,name\nde,German\nnot a code,Nonsense\nde_DE,Underscored\n")
    with pytest.raises(ImportFileError) as caught:
        await import_file(app, path)
    reason = "This is not a BCP 47 language tag such as de or pt-BR"
    assert caught.value.lines == [f"line 3: {reason}", f"line 4: {reason}"]
    assert await stored(app) == {}


async def test_existing_languages_are_reported_and_no_language_of_the_file_is_created(
    app: RunningApp, tmp_path: Path
) -> None:
    await app.language("de")
    path = tmp_path / "more.csv"
    path.write_text("code,name\naa,Afar\nde,German\nzu,Zulu\n")
    with pytest.raises(Problem, match="These exist already: de") as caught:
        await import_file(app, path)
    assert caught.value.code == "language_exists"
    assert await stored(app) == {"de": "ltr"}


async def test_a_file_may_have_more_languages_than_one_insert_takes(app: RunningApp, tmp_path: Path) -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    private = [f"de-x-{a}{b}{c}" for a in letters for b in letters for c in letters][:8000]
    path = tmp_path / "many.csv"
    path.write_text("code,name,autonym,textDirection\n" + "".join(f"{code},German,Deutsch,ltr\n" for code in private))
    assert await import_file(app, path) == 8000
    assert (await stored(app)).keys() == set(private)
