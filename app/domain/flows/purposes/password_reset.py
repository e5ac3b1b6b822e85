"""`password_reset`: a link and a code that set a new secret. All sessions and outstanding keys of the user end."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.flows.ports import Services
from app.domain.flows.proved_owner import issue_to, owner_of, proved_owner
from app.domain.flows.purpose import Asked, Issue, LiveKey, Proof, Purpose, Redeemed
from app.domain.keys.repository import KeyRepository
from app.domain.keys.single_use_repository import SingleUseKeyRepository
from app.domain.sessions.repository import SessionRepository

NAME = "password_reset"
LINK_LIFETIME = timedelta(hours=1)


async def _ask(transaction: AsyncSession, _: Services, asked: Asked) -> Issue | None:
    return issue_to(await owner_of(transaction, asked.address), NAME)


async def _redeem(transaction: AsyncSession, services: Services, key: LiveKey, proof: Proof) -> Redeemed:
    user = await proved_owner(transaction, services, key, proof.now)
    keys = KeyRepository(session=transaction)
    await keys.set_secret(user.id, proof.secret_hash)
    await SingleUseKeyRepository(session=transaction).void_outstanding(user.id)
    await SessionRepository(session=transaction).revoke_all_but(user.id, None)
    await services.send_mail(transaction, to=user.email, template="secret_changed", locale=user.locale, values={})
    return Redeemed(user.id, user.platform_role)


PURPOSE = Purpose(
    name=NAME,
    ask=_ask,
    redeem=_redeem,
    link_lifetime=lambda _: LINK_LIFETIME,
    has_code=True,
    needs=lambda _settings, _key: ("secret",),
    enabled=lambda settings: settings.passwords,
)
