"""The answer to "who am I, and what may I do?", built from the principal alone."""

from datetime import timedelta
from typing import cast

from app.auth.principal import Principal
from app.domain.sessions.repository import SessionEnd
from app.domain.sessions.schemas import (
    MembershipView,
    Onboarding,
    RawRule,
    SessionEndView,
    SessionView,
    UserView,
    WhoAmI,
)
from app.guards.policy import is_onboarded, raw_rules_for
from app.postgres.rows import to_struct
from app.settings.model import Settings


def who_am_i(principal: Principal, settings: Settings, end: SessionEnd | None = None) -> WhoAmI:
    """The principal as the client may see it, with the rules for the client's own `can` checks.

    `end` is how the session of an anonymous request has ended. Raises `ValueError` for a signed-in principal without
    its details.
    """
    user, session, details = principal.user, principal.session, principal.details
    if user is None or session is None:
        ended = to_struct(SessionEndView, end) if end else None
        return WhoAmI(user=None, session=None, memberships=[], onboarding=None, rules=[], ended=ended)
    if details is None:
        raise ValueError("the principal was read without its details")
    required = not is_onboarded(principal)
    absent: list[str] = [field for field in settings.required_profile_fields if required and not getattr(user, field)]
    step_up_until = session.authenticated_at + timedelta(seconds=settings.step_up_seconds)
    return WhoAmI(
        user=to_struct(
            UserView,
            user,
            status="active",
            email_verified=details.email_verified,
            has_secret=details.has_secret,
        ),
        session=to_struct(SessionView, session, user_id=user.id, step_up_until=step_up_until),
        # Not `to_struct`, which would take half a millisecond for a thousand memberships.
        memberships=[
            MembershipView(item.language, name, item.roles)
            for item, name in zip(principal.memberships, details.language_names, strict=True)
        ],
        onboarding=Onboarding(required, absent),
        rules=cast("list[RawRule]", raw_rules_for(principal)),
    )
