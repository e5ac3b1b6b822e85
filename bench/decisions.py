"""Rates of the ability engine with the rules of the policy: decisions and builds per second, without HTTP."""

from collections.abc import Callable
from datetime import UTC, datetime
from timeit import Timer

from app.ability.ability import Subject
from app.auth.principal import Membership, Principal, PrincipalUser
from app.guards.policy import build_ability
from app.postgres.base import new_id


def decisions_per_second(memberships: int) -> dict[str, float]:
    """Calls per second for a translator of this many languages: each kind of question, and building the ability.

    Each rate is the fastest of three runs.
    """
    codes = [f"qaa-x-{number:04}" for number in range(memberships)]
    now = datetime.now(UTC)
    principal = Principal(
        user=PrincipalUser(new_id(), "ada@example.org", "Ada", None, None, now),
        memberships=tuple([Membership(code, ("translator",)) for code in codes]),
    )
    ability = build_ability(principal)
    translated, other = Subject("Language", {"code": codes[-1]}), Subject("Language", {"code": "qaa-x-none"})
    return {
        "can, allowed": _rate(lambda: ability.can("translate", translated)),
        "can, not allowed": _rate(lambda: ability.can("translate", other)),
        "can_some": _rate(lambda: ability.can_some("translate", "Language")),
        "build": _rate(lambda: build_ability(principal)),
    }


def _rate(call: Callable[[], object]) -> float:
    timer = Timer(call)
    count, _ = timer.autorange()
    return count / min(timer.repeat(3, count))
