"""The answer to "who am I, and what may I do?", built from the principal alone."""

from collections.abc import Sequence
from hashlib import blake2b

import msgspec

from app.ability.ability import Ability
from app.ability.casl import export
from app.auth.principal import Principal
from app.domain.sessions.schemas import MembershipView, Onboarding, SessionView, WhoAmI
from app.domain.users.schemas import UserView
from app.guards.policy import is_onboarded


def who_am_i(principal: Principal, ability: Ability, required_fields: Sequence[str]) -> WhoAmI:
    """The principal as the client may see it, with the rules that its own `can` checks need.

    `required_fields` are those of a complete profile.
    """
    user, session = principal.user, principal.session
    if user is None or session is None:
        return WhoAmI(user=None, session=None, memberships=[], onboarding=None, rules=[])
    required = not is_onboarded(principal)
    absent = [field for field in required_fields if required and not getattr(user, field)]
    return WhoAmI(
        user=UserView(user.id, user.email, user.name, user.platform_role, user.onboarded_at),
        session=SessionView(
            session.id, session.method, session.created_at, session.authenticated_at, session.expires_at
        ),
        memberships=[MembershipView(item.language, item.roles) for item in principal.memberships],
        onboarding=Onboarding(required, absent),
        rules=export(ability),
    )


def encode_with_etag(view: WhoAmI) -> tuple[bytes, str]:
    """The body and its strong ETag (RFC 9110 section 8.8.3): it changes exactly when the body does."""
    body = msgspec.json.encode(view)
    return body, f'"{blake2b(body, digest_size=16).hexdigest()}"'
