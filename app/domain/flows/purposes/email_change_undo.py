"""`email_change_undo`: a link, mailed to the address that was replaced, that puts it back.

Nobody can ask for it, and whatever a thief of the account does later leaves it usable. Using it ends all sessions and
clears the secret, which the thief may have set, and voids the undo links of later changes, which went to the thief.
"""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.tokens import new_link_token, token_hash
from app.domain.flows.change_email import Before, rename
from app.domain.flows.ports import Services
from app.domain.flows.purpose import LiveKey, Proof, Purpose, Redeemed
from app.domain.keys.models import EMAIL_CHANGE_UNDO
from app.domain.keys.repository import KeyRepository
from app.domain.keys.single_use_repository import SingleUseKeyRepository

NAME = EMAIL_CHANGE_UNDO
LIFETIME = timedelta(days=7)


async def offer(transaction: AsyncSession, services: Services, before: Before, new_email: str) -> None:
    """Tell the address that was replaced, with the link."""
    token, now = new_link_token(), services.clock()
    await SingleUseKeyRepository(session=transaction).issue(
        purpose=NAME,
        address=before.address,
        user_id=before.user_id,
        token_hash=token_hash(token),
        code_hash=None,
        attempts=None,
        payload={"email": before.email},
        now=now,
        expires_at=now + LIFETIME,
    )
    link = f"{services.settings.public_url}/redeem#token={token}"
    await services.send_mail(
        transaction,
        to=before.email,
        template="email_changed",
        locale=before.locale,
        values={"link": link, "new_address": new_email},
        expires_at=now + LIFETIME,
    )


async def _redeem(transaction: AsyncSession, _: Services, key: LiveKey, proof: Proof) -> Redeemed:
    before = await rename(transaction, key, proof.now, displaces=True)
    keys = KeyRepository(session=transaction)
    await keys.set_secret(before.user_id, None)
    await SingleUseKeyRepository(session=transaction).void_undo_since(before.user_id, key.created_at)
    return Redeemed(before.user_id, before.platform_role)


PURPOSE = Purpose(name=NAME, redeem=_redeem, link_lifetime=lambda _: LIFETIME)
