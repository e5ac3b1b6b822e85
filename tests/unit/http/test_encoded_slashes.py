"""The path that the router matches where a request's path has encoded slashes."""

from typing import cast
from urllib.parse import unquote

import pytest
from litestar.types import HTTPScope

from app.http.encoded_slashes import path_for_router

TRANSLATIONS = "/api/languages/de/translations"


def path_of(raw: str) -> str:
    """The path for a request whose path is sent as `raw`, and which the server decodes as servers do."""
    path = unquote(raw.partition("?")[0], errors="surrogateescape")
    return path_for_router(cast("HTTPScope", {"path": path, "raw_path": raw.encode("latin-1")}))


@pytest.mark.parametrize(
    ("sent", "matched", "key"),
    [
        ("greeting", "greeting", "greeting"),
        ("a%2Fb", "a%2Fb", "a/b"),
        ("a%2fb", "a%2Fb", "a/b"),
        ("a%2Fb?x=%2F", "a%2Fb", "a/b"),
        ("%61%2F%62", "a%2Fb", "a/b"),
        ("a%252Fb", "a%252Fb", "a%2Fb"),
        ("a%25252Fb", "a%25252Fb", "a%252Fb"),
        ("%25", "%25", "%"),
        ("%C3%9F%2F", "\u00df%2F", "\u00df/"),
    ],
)
def test_a_segment_of_a_translations_path_decodes_to_what_was_sent(sent: str, matched: str, key: str) -> None:
    assert path_of(f"{TRANSLATIONS}/{sent}") == f"{TRANSLATIONS}/{matched}"
    assert unquote(matched) == key


@pytest.mark.parametrize(
    "translations",
    ["/api/languages/de/%74ranslations", "/%61pi/languages/de/translations", "/api//languages/de///translations"],
)
def test_no_spelling_of_a_translations_path_has_its_key_decoded_twice(translations: str) -> None:
    assert path_of(f"{translations}/a%252Fb") == f"{unquote(translations)}/a%252Fb"


@pytest.mark.parametrize(
    "raw",
    [
        "/api%2Flanguages/de",
        "/api/languages/de%2fmembers",
        "/api/languages/de%2Ftranslations/greeting",
        "/api/languages/%64e%2Fda/translations/greeting",
        "/api/languages/de/translations%2Fgreeting",
        "/api/users/%2E%2E%2Fsession",
        "/%2F",
        "/%FF%2F",
    ],
)
def test_any_other_path_with_an_encoded_slash_stays_as_it_was_sent(raw: str) -> None:
    assert path_of(raw) == raw


@pytest.mark.parametrize("raw", ["/api/languages/%64e", "/api/languages/de%25", "/api/languages/de%20?x=%2F", "/"])
def test_a_path_without_an_encoded_slash_is_the_servers(raw: str) -> None:
    assert path_of(raw) == unquote(raw.partition("?")[0])


def test_a_server_that_gives_no_raw_path_has_its_path_matched() -> None:
    assert path_for_router(cast("HTTPScope", {"path": "/api/languages"})) == "/api/languages"
