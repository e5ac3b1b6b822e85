"""A new language is one new file of words, and nothing else."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.words import catalogue
from tests.support.composed_mail import NAMES, parsed_mail, parts

MARK = "»"


def clear_caches() -> None:
    for cached in (catalogue._shipped, catalogue.locales, catalogue.nearest_locale, catalogue.section):
        cached.cache_clear()


@pytest.fixture
def words_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the folder of words, which the catalogue reads."""
    folder = tmp_path / "words"
    shutil.copytree(catalogue.FOLDER, folder)
    monkeypatch.setattr(catalogue, "FOLDER", folder)
    clear_caches()
    yield folder
    clear_caches()


@pytest.fixture
def third_language(words_folder: Path) -> str:
    """Tok Pisin: the English texts with a mark before each."""
    english = (words_folder / "en.toml").read_text("utf-8")
    marked = re.sub(r"^(\w+ = [\"'])", rf"\1{MARK}", english, flags=re.MULTILINE)
    (words_folder / "tpi.toml").write_text(marked, "utf-8")
    return "tpi"


def test_the_new_language_is_offered_and_found(third_language: str) -> None:
    assert catalogue.locales() == ("de", "en", third_language)
    assert catalogue.nearest_locale("tpi-PG") == third_language


@pytest.mark.parametrize("name", NAMES)
def test_every_mail_is_in_the_new_language_throughout(third_language: str, name: str) -> None:
    message = parsed_mail(name, third_language)
    text, markup = parts(message)
    sentences = [line for line in text.splitlines() if line and not re.match(r"\d{8}$|osk_|@|https:", line)]
    assert all(line.startswith(MARK) for line in [message["Subject"], *sentences])
    assert f"<title>{MARK}" in markup
    assert markup.count(MARK) == text.count(MARK) + 1 + ("#token=" in text)  # the title, and the label of a button
    assert message["Content-Language"] == third_language


def test_a_file_that_lacks_a_word_stops_the_service(words_folder: Path) -> None:
    (words_folder / "tpi.toml").write_text('[mail.sign_in]\nbutton = "Kam insait"\n', "utf-8")
    with pytest.raises(ValueError, match=r"tpi\.toml: mail\.sign_in\.subject_code is missing"):
        catalogue.locales()
