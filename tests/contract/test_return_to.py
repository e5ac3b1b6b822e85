"""A page to return to: what the service accepts has the allowed origin in browsers too (the URL Standard in Node)."""

import json
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.settings.urls import is_page_of
from tests.contract.test_casl import node
from tests.security.test_open_redirect_by_return_to import ALLOWED, FOREIGN

__all__ = ["node"]  # a fixture

ORIGINS = frozenset({"http://127.0.0.1:8000", "http://localhost:8000", "https://app.example.org"})
PARTS = [
    "http",
    "https",
    ":",
    "/",
    "//",
    "\\",
    "@",
    "#",
    "?",
    ".",
    "app.example.org",
    "evil.example",
    "%2f",
    "\t",
    "[",
    "]",
]
URLS = st.one_of(
    st.sampled_from(sorted(ORIGINS)).flatmap(
        lambda origin: st.lists(st.sampled_from(PARTS), max_size=6).map(lambda parts: origin + "".join(parts))
    ),
    st.lists(st.sampled_from([*PARTS, *ORIGINS]), max_size=8).map("".join),
    st.sampled_from([*FOREIGN, *ALLOWED]),
)
ORIGIN_OF_EACH = """
const originOf = (url) => { try { return new URL(url).origin } catch { return null } }
console.log(JSON.stringify(JSON.parse(require("fs").readFileSync(0)).map(originOf)))
"""


@pytest.mark.usefixtures("node")
def test_every_accepted_page_has_an_allowed_origin_in_browsers() -> None:
    accepted: set[str] = set()

    @settings(max_examples=2000, deadline=None, database=None)
    @given(URLS)
    def collect(url: str) -> None:
        if is_page_of(ORIGINS, url):
            accepted.add(url)

    collect()
    urls = sorted(accepted)
    read = subprocess.run(
        ["node", "-e", ORIGIN_OF_EACH], input=json.dumps(urls), capture_output=True, check=True, text=True
    )
    assert len(urls) > 100
    assert set(json.loads(read.stdout)) <= ORIGINS
