"""Slashes that are sent as %2F: part of a translation's key, and part of no other path."""

import re
from urllib.parse import unquote

from litestar.types import HTTPScope

# Matched against the decoded path, as the router does, which takes repeated slashes for one.
TRANSLATION_PATH = re.compile(r"/+api/+languages/+[^/]+/+translations/")


def path_for_router(scope: HTTPScope) -> str:
    """The path that the router matches, in which an encoded slash never separates segments (RFC 3986 section 2.2).

    In the path of a translation, %2F and %25 stay encoded and the rest is decoded, so that the controller's `unquote`
    of one segment returns the key as it was sent. Any other path with an encoded slash stays undecoded as a whole, and
    so matches no route of another path.
    """
    if b"%2" not in scope.get("raw_path", b""):
        return scope["path"]
    raw = scope["raw_path"].partition(b"?")[0].decode("latin-1")
    if TRANSLATION_PATH.match(scope["path"]):
        return "/".join(_segment(sent) for sent in raw.split("/"))
    return raw if "%2f" in raw.lower() else scope["path"]


def _segment(sent: str) -> str:
    """A segment, decoded but for its slashes and percent signs. Bytes that are not UTF-8 become surrogates."""
    return unquote(sent, errors="surrogateescape").replace("%", "%25").replace("/", "%2F")
