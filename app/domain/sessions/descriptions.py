"""The encoded answers to "who am I, and what may I do?", kept in memory with the principals they describe."""

import zlib
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from app.auth.principal import Membership, Principal, PrincipalDetails, PrincipalSession, PrincipalUser
from app.domain.sessions.principal_cache import PackedPrincipal
from app.domain.sessions.who_am_i import who_am_i
from app.guards.roles import LANGUAGE_ROLES
from app.http.preconditions import encode_with_etag
from app.http.ready_answers import ReadyAnswer, ready_answer
from app.settings.model import Settings

HEADERS = ((b"cache-control", b"private, no-cache"), (b"vary", b"Cookie, Authorization"))

# Raw deflate with a window of 8 KiB, which is enough for an answer behind its dictionary.
WINDOW = -13


def ready_description(principal: Principal) -> ReadyAnswer | None:
    """The description of a principal in steady use, ready to be sent: zlib lets other threads run, which takes longer
    than all else."""
    return principal.kept.ready if isinstance(principal.kept, PackedPrincipal) else None


def description_of(principal: Principal, settings: Settings) -> ReadyAnswer:
    """The description of a signed-in principal. With a kept principal it is kept too, compressed.

    Raises `ValueError` for a principal that was read without its details.
    """
    kept = principal.kept
    if not isinstance(kept, PackedPrincipal):
        return _describe(principal, settings)
    if kept.etag:
        body = zlib.decompressobj(wbits=WINDOW, zdict=EXAMPLE).decompress(kept.deflated)
        kept.ready = ready_answer(body, kept.etag, HEADERS)
    else:
        kept.ready = _describe(principal, settings)
        compressor = zlib.compressobj(wbits=WINDOW, zdict=EXAMPLE)
        kept.deflated, kept.etag = compressor.compress(kept.ready.body) + compressor.flush(), kept.ready.etag
    return kept.ready


def _describe(principal: Principal, settings: Settings) -> ReadyAnswer:
    body, etag = encode_with_etag(who_am_i(principal, settings))
    return ready_answer(body, etag.encode(), HEADERS)


def _example() -> bytes:
    epoch, nobody = datetime(2000, 1, 1, tzinfo=UTC), UUID(int=0)
    principal = Principal(
        PrincipalUser(nobody, "", "", None, None, epoch),
        PrincipalSession(nobody, "password", epoch, epoch, epoch, epoch, epoch),
        (Membership("", LANGUAGE_ROLES),),
        details=PrincipalDetails(email_verified=True, has_secret=True, language_names=("",)),
    )
    return msgspec.json.encode(who_am_i(principal, Settings()))


# A description in JSON that has every text in which descriptions are alike: descriptions are stored as what differs.
EXAMPLE = _example()
