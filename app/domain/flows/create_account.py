"""Creating an account: a user with their primary key, for sign-up, invitations, the setup link and the command line."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit import Actor, record, subject_of
from app.auth.email_addresses import Address
from app.domain.keys.repository import KeyRepository
from app.domain.users.models import User
from app.domain.users.repository import UserRepository
from app.errors import Problem


async def create_account(
    actor: Actor,
    transaction: AsyncSession,
    address: Address,
    *,
    now: datetime,
    name: str = "",
    phone: str | None = None,
    locale: str | None = None,
    platform_role: str | None = None,
    secret_hash: str | None = None,
    verified: bool = False,
) -> User:
    """Create a user and the primary key of `address`.

    `verified`: the person has proved that they receive mail at the address. Raises `Problem` `email_taken`.
    """
    user = await UserRepository(transaction).add(
        User(
            email=address.written,
            name=name,
            phone=phone,
            locale=locale,
            platform_role=platform_role,
            email_verified_at=now if verified else None,
            created_at=now,
            updated_at=now,
        )
    )
    if not await KeyRepository(transaction).add_primary(user.id, address.unique, secret_hash, now):
        raise Problem("email_taken", "There is a user with this address already.")
    granted = [f"user.grant_{platform_role}"] if platform_role else []
    with_secret = ["key.set_secret"] if secret_hash else []
    for action in ("user.create", *granted, *with_secret):
        await record(actor, transaction, action, subject_of("user", user.id))
    return user
