"""The policy: the one place where permissions are written, as a table that anyone can read."""

from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias, get_args

from msgspec import Struct

from app.ability.ability import Ability
from app.ability.rules import Rule, Schema
from app.auth.principal import Principal

Action: TypeAlias = Literal["create", "read", "update", "administer", "translate", "delete"]
SubjectType: TypeAlias = Literal["Language", "Translation", "User", "Session", "Key"]

SCHEMA = Schema(
    actions=frozenset(get_args(Action)),
    subjects={
        "Language": {"code": "string"},
        "User": dict.fromkeys(("id", "name", "email", "phone", "locale", "platformRole", "status"), "string"),
        "Translation": {"languageCode": "string"},
        "Session": {"userId": "string"},
        "Key": {"userId": "string"},
    },
)  # fmt: skip

# The attribute that an id in a route's path is.
ID_ATTRIBUTES: dict[str, str] = {"Language": "code", "Translation": "languageCode", "User": "id"}
# The attribute that tells whose it is, for what rules know by its owner alone.
OWNER_ATTRIBUTES: dict[str, str] = {"Session": "userId", "Key": "userId"}


class Row(Struct, frozen=True):
    """One line of the policy: who may (or, `forbidden`, may not) do which actions on which subjects.

    `who` is a key of `WHO` and `which` a key of `WHICH` or None for all. The last line that applies decides.
    """

    who: str
    actions: tuple[str, ...]
    subjects: tuple[str, ...]
    which: str | None = None
    fields: tuple[str, ...] | None = None
    forbidden: bool = False
    reason: str | None = None


INCOMPLETE = "user without a complete profile"

POLICY = (
    Row("platform admin", ("manage",), ("all",)),
    Row(
        "platform admin", ("translate",), ("Language", "Translation"), forbidden=True,
        reason="Only a translator of the language may translate it",
    ),
    Row("every active user", ("read", "update"), ("User",), "themselves"),
    Row(
        "every active user", ("update",), ("User",), "themselves", ("platformRole", "status"), forbidden=True,
        reason="Nobody changes their own platform role or status",
    ),
    Row("every active user", ("read", "update", "delete"), ("Session", "Key"), "their own"),
    Row("language member", ("read",), ("Language",), "languages they are a member of"),
    Row("language member", ("read",), ("Translation",), "translations of languages they are a member of"),
    Row("language translator", ("translate",), ("Language",), "languages they translate"),
    Row("language admin", ("administer",), ("Language",), "languages they administer"),
    Row(INCOMPLETE, ("read",), ("User",), "themselves"),
    Row(INCOMPLETE, ("update",), ("User",), "themselves", ("name", "phone", "locale")),
)  # fmt: skip

NOTES = (
    "The last line that applies decides; what no line allows is not allowed.",
    "Whoever has not finished their profile may do nothing but finish it; whoever is suspended may do nothing.",
    "Who is not signed in may do nothing but sign in, sign up and redeem links and codes.",
)


def _holds(role: str) -> Callable[[Principal], bool]:
    return lambda principal: any(role in membership.roles for membership in principal.memberships)


def _codes(principal: Principal, role: str | None = None) -> list[str]:
    return [item.language for item in principal.memberships if role is None or role in item.roles]


def _user_id(principal: Principal) -> str:
    return str(principal.user.id) if principal.user else ""


WHO: Mapping[str, Callable[[Principal], bool]] = {
    "platform admin": lambda principal: principal.user is not None and principal.user.platform_role == "admin",
    "every active user": lambda principal: principal.user is not None,
    INCOMPLETE: lambda principal: principal.user is not None,
    "language member": lambda principal: bool(principal.memberships),
    "language translator": _holds("translator"),
    "language admin": _holds("admin"),
}

WHICH: Mapping[str, Callable[[Principal], Mapping[str, object]]] = {
    "themselves": lambda principal: {"id": _user_id(principal)},
    "their own": lambda principal: {"userId": _user_id(principal)},
    "languages they are a member of": lambda principal: {"code": {"$in": _codes(principal)}},
    "translations of languages they are a member of": lambda principal: {"languageCode": {"$in": _codes(principal)}},
    "languages they translate": lambda principal: {"code": {"$in": _codes(principal, "translator")}},
    "languages they administer": lambda principal: {"code": {"$in": _codes(principal, "admin")}},
}


def is_onboarded(principal: Principal) -> bool:
    """Whether the user has completed their profile; until then the policy gives them that and nothing else."""
    return principal.user is not None and principal.user.onboarded_at is not None


def rows_for(principal: Principal) -> list[Row]:
    """The lines of the policy that are about this principal, each one rule of `ability_for`, in their order."""
    return [row for row in POLICY if _applies(row, principal)]


def ability_for(principal: Principal) -> Ability:
    """The rules of one principal. Anonymous has none; a user without a complete profile those to complete it."""
    return Ability([_rule(row, principal) for row in rows_for(principal)], SCHEMA)


def _applies(row: Row, principal: Principal) -> bool:
    return (row.who == INCOMPLETE) is not is_onboarded(principal) and WHO[row.who](principal)


def _rule(row: Row, principal: Principal) -> Rule:
    conditions = WHICH[row.which](principal) if row.which else None
    return Rule(row.actions, row.subjects, conditions, row.fields, row.forbidden, row.reason)
