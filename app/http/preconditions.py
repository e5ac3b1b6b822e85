"""Conditional requests (RFC 9110 section 13): `If-Match` and `If-None-Match`, read in one way for reads and writes."""

import re
from collections.abc import Iterable
from hashlib import blake2b

import msgspec
from msgspec import Struct

from app.errors import Problem, invalid

# An entity tag (RFC 9110 section 8.8.3). The mark of a weak one is not kept: see docs/decisions/0039.
ENTITY_TAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
# What compressing proxies append inside the quotation marks, where nginx marks the tag as weak.
SUFFIX = re.compile(r"-(?:gzip|br|zstd|deflate)\Z")

# The headers whose value is a list, as ASGI names them.
LISTS = (b"if-match", b"if-none-match")


class EntityTags(Struct, frozen=True):
    """What one of the two headers names: some tags, or with `everything` (`*`) whatever is there."""

    tags: frozenset[str] = frozenset()
    everything: bool = False

    def match(self, tag: str | None) -> bool:
        """Whether the header names the present tag, given without quotation marks; None if there is no resource."""
        return tag is not None and (self.everything or tag in self.tags)


class Precondition(Struct, frozen=True):
    """What must hold of the present version for a write to happen."""

    if_match: EntityTags | None = None
    if_none_match: EntityTags | None = None

    @property
    def is_plain(self) -> bool:
        """Whether the precondition is a list of versions to replace, or that there is nothing to replace."""
        if self.if_match is None:
            return self.if_none_match is not None and self.if_none_match.everything
        return self.if_none_match is None and not self.if_match.everything

    def holds(self, version: int | None) -> bool:
        """Whether the write may replace this version; None if there is nothing to replace."""
        tag = None if version is None else str(version)
        return (self.if_match is None or self.if_match.match(tag)) and not (
            self.if_none_match is not None and self.if_none_match.match(tag)
        )


def read_entity_tags(header: str, value: str) -> EntityTags:
    """The tags that the value of `If-Match` or `If-None-Match` lists.

    A weak tag counts as the strong one, and so does a tag to which a compressing proxy has added its suffix. Raises
    `Problem` `validation_failed` about `header` for a value that is neither `*` nor a list of one tag or more.
    """
    if value.strip(" \t") == "*":
        return EntityTags(everything=True)
    tags = ENTITY_TAG.findall(value)
    # Each tag, which may have a comma inside, becomes one quotation mark.
    parts = [part.strip(" \t") for part in ENTITY_TAG.sub('"', value).split(",")]
    if not tags or not set(parts) <= {"", '"'} or parts.count('"') != len(tags):
        raise invalid(header, "invalid", 'Expected ETags in quotation marks, such as "3", or *')
    return EntityTags(frozenset(SUFFIX.sub("", tag) for tag in tags))


def lines_combined(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers of a request, with all lines of `If-Match` as one, and those of `If-None-Match` (RFC 9110 section
    5.3): a list may be written in several lines."""
    headers = list(headers)
    values = {name: [value for other, value in headers if other == name] for name in LISTS}
    several = {name: b", ".join(lines) for name, lines in values.items() if len(lines) > 1}
    if not several:
        return headers
    return [*[header for header in headers if header[0] not in several], *several.items()]


def encode_with_etag(view: Struct) -> tuple[bytes, str]:
    """The body and its strong ETag (RFC 9110 section 8.8.3), which changes exactly when the body does."""
    body = msgspec.json.encode(view)
    return body, f'"{blake2b(body, digest_size=16).hexdigest()}"'


def is_unchanged(if_none_match: str | None, etag: str) -> bool:
    """Whether a read is answered 304: its `If-None-Match` names the present ETag. Raises as `read_entity_tags`."""
    return if_none_match is not None and read_entity_tags("If-None-Match", if_none_match).match(etag.strip('"'))


def precondition_of_write(if_match: str | None, if_none_match: str | None) -> Precondition:
    """What the two headers of a write ask for.

    Raises `Problem`: `precondition_required` if they say neither which version to replace nor that there is none;
    and as `read_entity_tags`.
    """
    replaced = None if if_match is None else read_entity_tags("If-Match", if_match)
    excluded = None if if_none_match is None else read_entity_tags("If-None-Match", if_none_match)
    if replaced is None and not (excluded and excluded.everything):
        raise Problem("precondition_required", 'Send If-Match: "version", or If-None-Match: * for a new key.')
    return Precondition(replaced, excluded)


def precondition_of_version(version: int | None) -> Precondition:
    """What a version in a body asks for: exactly this one; None for a new resource."""
    if version is None:
        return Precondition(if_none_match=EntityTags(everything=True))
    return Precondition(if_match=EntityTags(frozenset({str(version)})))
