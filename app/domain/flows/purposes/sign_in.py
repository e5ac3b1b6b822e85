"""`sign_in`: a code and a link that start a session for the owner of the address."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.flows.ports import Services
from app.domain.flows.proved_owner import issue_to, owner_of, sign_in_owner
from app.domain.flows.purpose import Asked, Issue, LiveKey, Proof, Purpose, Redeemed

NAME = "sign_in"
LINK_LIFETIME = timedelta(minutes=10)


async def _ask(transaction: AsyncSession, _: Services, asked: Asked) -> Issue | None:
    return issue_to(await owner_of(transaction, asked.address), NAME)


async def _redeem(transaction: AsyncSession, services: Services, key: LiveKey, proof: Proof) -> Redeemed:
    return await sign_in_owner(transaction, services, key, proof.now)


PURPOSE = Purpose(
    name=NAME,
    ask=_ask,
    redeem=_redeem,
    link_lifetime=lambda _: LINK_LIFETIME,
    has_code=True,
    enabled=lambda settings: settings.codes,
)
