"""Issuing a single-use key: the only place where link tokens are made and URLs of links are written."""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit import Actor, record
from app.auth.tokens import new_link_token, token_hash
from app.domain.keys.service import key_subject
from app.domain.keys.single_use_repository import SingleUseKeyRepository
from app.domain.resources import Resources


class CodeBeside(Struct, frozen=True):
    """The code of a key that has one beside its link: its hash, its attempts, and the flow that it works with.

    It has no more attempts than are left of the `continued` key, the one before of the flow. The codes of the
    `displaced` keys end.
    """

    code_hash: str
    attempts: int
    flow_hash: str
    continued: UUID | None = None
    displaced: Collection[UUID] = ()


async def issue_link(
    actor: Actor,
    resources: Resources,
    transaction: AsyncSession,
    *,
    purpose: str,
    address: str,
    user_id: UUID | None,
    expires_at: datetime,
    payload: Mapping[str, str],
    code: CodeBeside | None = None,
    asked_by: str | None = None,
    language_code: str | None = None,
    invited_by: UUID | None = None,
) -> str:
    """Issue a key; returns the URL of its link. Earlier links stay usable, but for invitations (`issue`).

    The token is in the fragment, which browsers send to no server: no log, proxy or Referer sees it. `asked_by` is who
    asked for a mail with the key, if a client did.
    """
    token = new_link_token()
    key_id = await SingleUseKeyRepository(transaction).issue(
        purpose=purpose,
        address=address,
        user_id=user_id,
        token_hash=token_hash(token),
        payload=payload,
        now=resources.clock(),
        expires_at=expires_at,
        asked_by=asked_by,
        language_code=language_code,
        invited_by=invited_by,
        **(msgspec.structs.asdict(code) if code else {}),
    )
    await record(actor, transaction, "key.issue", key_subject(user_id, key_id), detail={"purpose": purpose})
    return f"{resources.settings.public_url}/redeem#token={token}"
