"""An account as a caller may see it."""

from app.ability.ability import Ability
from app.domain.users.models import User
from app.domain.users.schemas import AccountView
from app.postgres.rows import to_struct


def account_view(ability: Ability, user: User) -> AccountView:
    """The account as a caller with this ability may see it. The reason of a suspension is for platform admins."""
    reason = user.suspension_reason if ability.can_every("administer", "User") else None
    return to_struct(AccountView, user, suspension_reason=reason)
