"""The policy: the only place where permissions are written, as a table that anyone can read."""

from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias, get_args

from msgspec import Struct

from app.ability.ability import Ability
from app.ability.casl import RawRule, raw_rule
from app.ability.rules import Rule, Schema
from app.auth.principal import Principal
from app.guards.roles import LANGUAGE_ROLES, LANGUAGES_OF_ROLE, LanguageRole
from app.recent import Recent

Action: TypeAlias = Literal["create", "read", "update", "administer", "translate", "delete"]
SubjectType: TypeAlias = Literal["Language", "Translation", "User", "Session", "Key", "AuditEvent", "Policy", "Job"]

SCHEMA = Schema(
    actions=frozenset(get_args(Action)),
    subjects={
        "Language": dict.fromkeys(("code", "name", "autonym", "textDirection"), "string"),
        "User": dict.fromkeys(("id", "name", "email", "phone", "locale", "platformRole", "status"), "string"),
        "Translation": {"languageCode": "string"},
        "Session": {"userId": "string"},
        "Key": {"userId": "string"},
        "AuditEvent": {"id": "string"},
        "Policy": {},
        "Job": {"id": "string"},
    },
)  # fmt: skip

# The attribute of each subject type that an id in a path is compared with. There is one policy: it has no id.
ID_ATTRIBUTES: Mapping[str, str] = {
    "Language": "code", "Translation": "languageCode", "User": "id", "AuditEvent": "id", "Job": "id",
}  # fmt: skip
# The subject types that a path names by the code of a language.
BY_LANGUAGE_CODE = frozenset({"Language", "Translation"})
# The attribute with the owner's id, of each subject type that rules know by its owner only.
OWNER_ATTRIBUTES: Mapping[str, str] = {"Session": "userId", "Key": "userId"}


class Row(Struct, frozen=True):
    """One line of the policy: `who` may (`forbidden`: may not) do `actions` on `subjects`.

    `who` is a key of `WHO`. `which` is a key of `WHICH`, or None for all subjects. The last line that applies decides.
    """

    who: str
    actions: tuple[str, ...]
    subjects: tuple[str, ...]
    which: str | None = None
    fields: tuple[str, ...] | None = None
    forbidden: bool = False
    reason: str | None = None


# To build the rules takes longer than all else in a session check from memory. An ability with more memberships takes
# the places of several: it takes hundreds of kilobytes.
ABILITIES_KEPT = 6000
MEMBERSHIPS_OF_ONE = 32

INCOMPLETE = "user without a complete profile"
# The fields that a change of a user or a language takes: no rule grants more of `update`.
PROFILE = ("name", "phone", "locale")
LANGUAGE_FIELDS = ("name", "autonym", "textDirection")
WRITE = ("create", "update", "delete", "translate")
ONLY_TRANSLATORS = "Only a translator of the language may translate it"

POLICY = (
    Row("platform admin", ("manage",), ("all",)),
    Row("platform admin", ("translate",), ("Language",), forbidden=True, reason=ONLY_TRANSLATORS),
    Row("platform admin", WRITE, ("Translation",), forbidden=True, reason=ONLY_TRANSLATORS),
    Row(
        "platform admin", ("manage",), ("Session", "Key"), forbidden=True,
        reason="Only their owner may see and end sessions and keys one by one",
    ),
    Row(
        "platform admin", ("update",), ("User", "Language"), forbidden=True,
        reason="No change takes this field",
    ),
    Row("platform admin", ("update",), ("User",), None, PROFILE),
    Row("platform admin", ("update",), ("Language",), None, LANGUAGE_FIELDS),
    Row("every active user", ("read", "delete"), ("User",), "themselves"),
    Row("every active user", ("update",), ("User",), "themselves", PROFILE),
    Row(
        "every active user", ("update", "administer"), ("User",), "themselves", ("platformRole", "status"),
        forbidden=True, reason="Nobody changes their own platform role or status",
    ),
    Row("every active user", ("read", "delete"), ("Session", "Key"), "their own"),
    Row("every active user", ("update",), ("Key",), "their own"),
    Row("language member", ("read",), ("Language",), "languages they are a member of"),
    Row("language member", ("read",), ("Translation",), "translations of languages they are a member of"),
    Row("language translator", ("translate",), ("Language",), "languages they translate"),
    Row("language translator", WRITE, ("Translation",), "translations of languages they translate"),
    Row("language admin", ("administer",), ("Language",), "languages they administer"),
    Row("language admin", ("update",), ("Language",), "languages they administer", LANGUAGE_FIELDS),
    Row(INCOMPLETE, ("read", "delete"), ("User",), "themselves"),
    Row(INCOMPLETE, ("update",), ("User",), "themselves", PROFILE),
)  # fmt: skip

NOTES = (
    "The last line that applies decides; what no line allows is not allowed.",
    "A user with an incomplete profile may only complete it or leave; a suspended user may do nothing.",
    "A caller who is not signed in may only sign in, sign up and redeem links and codes.",
)


def _holds(role: LanguageRole) -> Callable[[Principal], bool]:
    return lambda principal: any(role in membership.roles for membership in principal.memberships)


def _codes_of(role: LanguageRole, attribute: str = "code") -> Callable[[Principal], Mapping[str, object]]:
    return lambda principal: {
        attribute: {"$in": [item.language for item in principal.memberships if role in item.roles]}
    }


def _codes(principal: Principal) -> list[str]:
    return [item.language for item in principal.memberships]


def _user_id(principal: Principal) -> str:
    return str(principal.user.id) if principal.user else ""


WHO: Mapping[str, Callable[[Principal], bool]] = {
    "platform admin": lambda principal: principal.user is not None and principal.user.platform_role == "admin",
    "every active user": lambda principal: principal.user is not None,
    INCOMPLETE: lambda principal: principal.user is not None,
    "language member": lambda principal: bool(principal.memberships),
    **{f"language {role}": _holds(role) for role in LANGUAGE_ROLES},
}

WHICH: Mapping[str, Callable[[Principal], Mapping[str, object]]] = {
    "themselves": lambda principal: {"id": _user_id(principal)},
    "their own": lambda principal: {"userId": _user_id(principal)},
    "languages they are a member of": lambda principal: {"code": {"$in": _codes(principal)}},
    "translations of languages they are a member of": lambda principal: {"languageCode": {"$in": _codes(principal)}},
    "translations of languages they translate": _codes_of("translator", "languageCode"),
    **{LANGUAGES_OF_ROLE[role]: _codes_of(role) for role in LANGUAGE_ROLES},
}


def is_onboarded(principal: Principal) -> bool:
    """Whether the user has completed their profile. Until then the policy allows completing the profile and no more."""
    return principal.user is not None and principal.user.onboarded_at is not None


# A user without a complete profile has the lines of `INCOMPLETE` alone, an onboarded user all others.
LINES_BY_ONBOARDED = {
    onboarded: [row for row in POLICY if (row.who != INCOMPLETE) == onboarded] for onboarded in (False, True)
}


def rows_for(principal: Principal) -> list[Row]:
    """The lines of the policy that concern this principal: each is one rule of `ability_for`, in the same order."""
    who = {name for name, applies in WHO.items() if applies(principal)}
    return [row for row in LINES_BY_ONBOARDED[is_onboarded(principal)] if row.who in who]


def raw_rules_for(principal: Principal) -> list[RawRule]:
    """`export(ability_for(principal))` without an ability, in a third of the time: the policy's conditions are written
    as they are exported."""
    return [raw_rule(rule, rule.conditions) for rule in _rules_for(principal)]


_abilities: Recent[object, Ability] = Recent(ABILITIES_KEPT)


def ability_for(principal: Principal) -> Ability:
    """The rules of one principal. An anonymous principal has none.

    The rules depend on nothing but the user and the memberships as this request has read them, so that an ability that
    was built for equal ones is the same, and never an outdated one.
    """
    # Of a kept principal: to hash a user and their memberships takes longer.
    key = principal.kept or (principal.user, principal.memberships)
    ability = _abilities.get(key)
    if ability is None:
        ability = build_ability(principal)
        _abilities.put(key, ability, 1 + len(principal.memberships) // MEMBERSHIPS_OF_ONE)
    return ability


def build_ability(principal: Principal) -> Ability:
    """The rules of one principal, built anew; `ability_for` gives the same ability faster."""
    return Ability(_rules_for(principal), SCHEMA, checked=True)


def _rules_for(principal: Principal) -> list[Rule]:
    rows = rows_for(principal)
    conditions = {which: WHICH[which](principal) for which in {row.which for row in rows} if which}
    return [
        Rule(row.actions, row.subjects, conditions.get(row.which or ""), row.fields, row.forbidden, row.reason)
        for row in rows
    ]
