"""Pages over plain HTTP, as a browser without scripts uses them."""

from html.parser import HTMLParser

import httpx

from tests.support.app import ORIGIN, RunningApp

# What browsers send with a form, beside the cookies.
FORM_HEADERS = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate", "Origin": ORIGIN}


class _Shape(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, ...]] = []
        self.links: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, *sorted(name for name, _ in attrs)))
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "action", "formaction")]

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def shape_of(page: httpx.Response) -> list[tuple[str, ...]]:
    """The tags of a page with the names of their attributes: no text that somebody has chosen changes it."""
    return _parsed(page).tags


def links_of(page: httpx.Response) -> list[str]:
    """Where the links, forms, scripts and images of a page lead."""
    return _parsed(page).links


def text_of_page(page: httpx.Response) -> str:
    """The text of a page, with single spaces."""
    return " ".join(" ".join(_parsed(page).text).split())


def browser_at(app: RunningApp) -> httpx.AsyncClient:
    """A browser without scripts and without a session, which keeps cookies."""
    return app.client(**FORM_HEADERS)


def _parsed(page: httpx.Response) -> _Shape:
    assert page.headers["content-type"] == "text/html; charset=utf-8", page.headers["content-type"]
    shape = _Shape()
    shape.feed(page.text)
    shape.close()
    return shape
