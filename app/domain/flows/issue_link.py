"""Issuing a single-use key: the only place where link tokens are made and URLs of links are written."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit import Actor, record
from app.auth.tokens import new_link_token, token_hash
from app.domain.keys.service import key_subject
from app.domain.keys.single_use_repository import SingleUseKeyRepository
from app.domain.resources import Resources


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
    code_hash: str | None = None,
    attempts: int | None = None,
    language_code: str | None = None,
    invited_by: UUID | None = None,
) -> str:
    """Issue the live key of an address and purpose, in place of an earlier one; returns the URL of its link.

    An invitation replaces only an earlier one to the same language.

    The token is in the fragment, which browsers send to no server: no log, proxy or Referer sees it. `code_hash` and
    `attempts` are for a key that has a code too.
    """
    token = new_link_token()
    key_id = await SingleUseKeyRepository(transaction).issue(
        purpose=purpose,
        address=address,
        user_id=user_id,
        token_hash=token_hash(token),
        code_hash=code_hash,
        attempts=attempts,
        payload=payload,
        now=resources.clock(),
        expires_at=expires_at,
        language_code=language_code,
        invited_by=invited_by,
    )
    await record(actor, transaction, "key.issue", key_subject(user_id, key_id), detail={"purpose": purpose})
    return f"{resources.settings.public_url}/redeem#token={token}"
