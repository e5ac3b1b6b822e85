"""`sign_up`: a code and a link that make the holder of an address a user. Until then there is no user: nobody can
squat on an address.

An address that has an account already gets a sign-in under the same purpose, so that who asks learns nothing.
"""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit import record, subject_of
from app.domain.flows.ports import Services
from app.domain.flows.proved_owner import issue_to, owner_of, sign_in_owner
from app.domain.flows.purpose import Asked, Issue, LiveKey, Notice, Proof, Purpose, Redeemed
from app.domain.keys.repository import KeyRepository
from app.domain.users.models import User
from app.domain.users.repository import UserRepository
from app.errors import Problem

NAME = "sign_up"
LINK_LIFETIME = timedelta(minutes=10)


async def _ask(transaction: AsyncSession, services: Services, asked: Asked) -> Issue | Notice | None:
    user = await owner_of(transaction, asked.address)
    if user is not None:
        return issue_to(user, "sign_in") if services.settings.codes else None
    if services.settings.sign_up != "open":
        return Notice("sign_up_closed", to=asked.address.written)
    payload = {"email": asked.address.written, "name": asked.name, "phone": asked.phone or ""}
    return Issue(NAME, to=asked.address.written, user_id=None, payload=payload)


async def _redeem(transaction: AsyncSession, services: Services, key: LiveKey, proof: Proof) -> Redeemed:
    if key.user_id is not None:
        return await sign_in_owner(transaction, services, key, proof.now)
    keys = KeyRepository(session=transaction)
    if services.settings.sign_up != "open" or await keys.owner_of(key.address) is not None:
        raise Problem("key_not_usable")
    users = UserRepository(session=transaction)
    user = await users.add(
        User(
            email=key.payload["email"],
            name=key.payload["name"],
            phone=key.payload["phone"] or None,
            email_verified_at=proof.now,
            created_at=proof.now,
            updated_at=proof.now,
        )
    )
    await users.finish_onboarding(user.id, services.settings.required_profile_fields, proof.now)
    await keys.add_primary(user.id, key.address, None, proof.now)
    await record(transaction, "user.create", subject_of("user", user.id))
    return Redeemed(user.id, None)


PURPOSE = Purpose(
    name=NAME,
    ask=_ask,
    redeem=_redeem,
    link_lifetime=lambda _: LINK_LIFETIME,
    has_code=True,
    # Where there are no codes nobody can sign up, and whoever asks is told so by mail.
    enabled=lambda settings: settings.codes or settings.sign_up != "open",
)
