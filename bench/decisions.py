"""Decisions per second of the ability policy, without HTTP: a few memberships and many."""

from collections.abc import Callable
from datetime import UTC, datetime
from timeit import Timer

from app.ability.ability import Subject
from app.auth.principal import Membership, Principal, PrincipalUser
from app.guards.policy import ability_for
from app.postgres.base import new_id


def decisions_per_second(memberships: int) -> dict[str, float]:
    """How often each question can be asked per second of a member of that many languages."""
    codes = [f"qaa-x-{number:04}" for number in range(memberships)]
    now = datetime.now(UTC)
    principal = Principal(
        user=PrincipalUser(new_id(), "ada@example.org", "Ada", None, None, now),
        memberships=tuple([Membership(code, ("translator",)) for code in codes]),
    )
    ability = ability_for(principal)
    own, foreign = Subject("Language", {"code": codes[-1]}), Subject("Language", {"code": "qaa-x-none"})
    return {
        "instance, allowed": _rate(lambda: ability.can("translate", own)),
        "instance, refused": _rate(lambda: ability.can("translate", foreign)),
        "type": _rate(lambda: ability.can_some("translate", "Language")),
        "build": _rate(lambda: ability_for(principal)),
    }


def _rate(question: Callable[[], object]) -> float:
    timer = Timer(question)
    count, _ = timer.autorange()
    return count / min(timer.repeat(3, count))
