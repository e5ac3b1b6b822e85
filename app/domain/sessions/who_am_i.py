"""The answer to "who am I, and what may I do?", built from the principal alone."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import cast

import msgspec

from app.ability.ability import Ability
from app.ability.casl import export
from app.auth.principal import Principal
from app.domain.sessions.schemas import MembershipView, Onboarding, RawRule, SessionView, UserView, WhoAmI
from app.guards.policy import is_onboarded
from app.postgres.rows import to_struct


def who_am_i(principal: Principal, ability: Ability, required_fields: Sequence[str]) -> WhoAmI:
    """The principal as the client may see it, with the rules for the client's own `can` checks.

    `required_fields` are the fields of a complete profile.
    """
    user, session = principal.user, principal.session
    if user is None or session is None:
        return WhoAmI(user=None, session=None, memberships=[], onboarding=None, rules=[])
    required = not is_onboarded(principal)
    absent = [field for field in required_fields if required and not getattr(user, field)]
    return WhoAmI(
        user=to_struct(UserView, user),
        session=to_struct(SessionView, session),
        # Not `to_struct`, which would take half a millisecond for a thousand memberships.
        memberships=[MembershipView(language=item.language, roles=item.roles) for item in principal.memberships],
        onboarding=Onboarding(required, absent),
        rules=cast("list[RawRule]", export(ability)),
    )


def encode_with_etag(view: WhoAmI) -> tuple[bytes, str]:
    """The body and its strong ETag (RFC 9110 section 8.8.3), which changes exactly when the body does."""
    body = msgspec.json.encode(view)
    return body, f'"{blake2b(body, digest_size=16).hexdigest()}"'
