"""The policy, against a table of the people who are allowed each action on each subject."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest

from app.ability.ability import Subject
from app.ability.casl import export
from app.auth.principal import ANONYMOUS, Membership, Principal, PrincipalUser
from app.domain.languages.schemas import LanguageChange
from app.domain.users.schemas import UserChange
from app.guards.policy import (
    ABILITIES_KEPT,
    ID_ATTRIBUTES,
    LANGUAGE_FIELDS,
    MEMBERSHIPS_OF_ONE,
    OWNER_ATTRIBUTES,
    POLICY,
    PROFILE,
    SCHEMA,
    WHICH,
    WHO,
    ability_for,
    is_onboarded,
    raw_rules_for,
)

ADA, EVE = UUID(int=1), UUID(int=2)
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def principal(*memberships: Membership, platform_role: str | None = None, onboarded: bool = True) -> Principal:
    user = PrincipalUser(ADA, "ada@example.org", "Ada", None, platform_role, NOW if onboarded else None)
    return Principal(user=user, memberships=memberships)


PEOPLE = {
    "anonymous": ANONYMOUS,
    "not onboarded": principal(Membership("de", ("admin", "translator")), platform_role="admin", onboarded=False),
    "user": principal(),
    "member": principal(Membership("de", ())),
    "translator": principal(Membership("de", ("translator",))),
    "language admin": principal(Membership("de", ("admin",))),
    "both roles": principal(Membership("de", ("admin", "translator"))),
    "all of another language": principal(Membership("da", ("admin", "translator"))),
    "roles in two languages": principal(Membership("da", ("admin",)), Membership("de", ("translator",))),
    "platform admin": principal(platform_role="admin"),
    "translating platform admin": principal(Membership("de", ("translator",)), platform_role="admin"),
}

GERMAN = Subject("Language", {"code": "de"})
GERMAN_TEXT = Subject("Translation", {"languageCode": "de"})
OWN_USER, OTHER_USER = Subject("User", {"id": str(ADA)}), Subject("User", {"id": str(EVE)})
OWN_SESSION, OTHER_SESSION = Subject("Session", {"userId": str(ADA)}), Subject("Session", {"userId": str(EVE)})
OWN_KEY, OTHER_KEY = Subject("Key", {"userId": str(ADA)}), Subject("Key", {"userId": str(EVE)})

PLATFORM_ADMINS = {"platform admin", "translating platform admin"}
MEMBERS = {"member", "translator", "language admin", "both roles", "roles in two languages"}
TRANSLATORS = {"translator", "both roles", "roles in two languages", "translating platform admin"}
# Fields of a user that no change of a profile sets.
UNCHANGEABLE = ("email", "platformRole", "status", "onboardedAt", "suspensionReason")
USERS = {"user", "all of another language", *MEMBERS, *PLATFORM_ADMINS}

# Action, subject, field, and all people of `PEOPLE` who are allowed. All other people are not allowed.
ALLOWED = [
    ("create", GERMAN, None, PLATFORM_ADMINS),
    ("read", GERMAN, None, MEMBERS | PLATFORM_ADMINS),
    *[("update", GERMAN, field, {"language admin", "both roles"} | PLATFORM_ADMINS) for field in (None, "name")],
    ("update", GERMAN, "code", set[str]()),
    ("administer", GERMAN, None, {"language admin", "both roles"} | PLATFORM_ADMINS),
    ("translate", GERMAN, None, TRANSLATORS),
    ("delete", GERMAN, None, PLATFORM_ADMINS),
    ("read", GERMAN_TEXT, None, MEMBERS | PLATFORM_ADMINS),
    *[(action, GERMAN_TEXT, None, TRANSLATORS) for action in ("create", "update", "delete", "translate")],
    ("read", OWN_USER, None, USERS | {"not onboarded"}),
    ("update", OWN_USER, "name", USERS | {"not onboarded"}),
    ("delete", OWN_USER, None, USERS | {"not onboarded"}),
    ("delete", OTHER_USER, None, PLATFORM_ADMINS),
    ("read", OTHER_USER, None, PLATFORM_ADMINS),
    ("update", OTHER_USER, "name", PLATFORM_ADMINS),
    *[("update", user, field, set[str]()) for user in (OWN_USER, OTHER_USER) for field in UNCHANGEABLE],
    *[("administer", OWN_USER, field, set[str]()) for field in ("platformRole", "status")],
    *[("administer", OTHER_USER, field, PLATFORM_ADMINS) for field in (None, "platformRole", "status")],
    ("administer", OWN_USER, None, PLATFORM_ADMINS),
    ("create", OTHER_USER, None, PLATFORM_ADMINS),
    ("read", OWN_SESSION, None, USERS),
    ("delete", OWN_SESSION, None, USERS),
    ("update", OWN_SESSION, None, set[str]()),
    *[(action, OTHER_SESSION, None, set[str]()) for action in ("read", "delete")],
    ("read", OWN_KEY, None, USERS),
    ("update", OWN_KEY, None, USERS),
    ("delete", OWN_KEY, None, USERS),
    *[(action, OTHER_KEY, None, set[str]()) for action in ("read", "update", "delete")],
    ("read", Subject("AuditEvent", {"id": "1"}), None, PLATFORM_ADMINS),
    ("administer", Subject("Policy", {}), None, PLATFORM_ADMINS),
    ("administer", Subject("Job", {"id": "1"}), None, PLATFORM_ADMINS),
]


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize(("action", "subject", "field", "allowed"), ALLOWED)
def test_the_policy_allows_exactly_the_people_in_the_table(
    who: str, action: str, subject: Subject, field: str | None, allowed: set[str]
) -> None:
    assert ability_for(PEOPLE[who]).can(action, subject, field) is (who in allowed)


def test_the_fields_of_a_change_are_those_that_its_route_takes() -> None:
    assert set(PROFILE) == {field.encode_name for field in msgspec.structs.fields(UserChange)}
    assert set(LANGUAGE_FIELDS) == {field.encode_name for field in msgspec.structs.fields(LanguageChange)}


def test_the_table_asks_about_every_action_and_subject_type() -> None:
    assert {action for action, *_ in ALLOWED} == SCHEMA.actions
    assert {subject.type for _, subject, *_ in ALLOWED} == SCHEMA.subjects.keys()


@pytest.mark.parametrize(
    ("who", "action", "subject", "field", "reason"),
    [
        ("platform admin", "translate", GERMAN, None, "Only a translator of the language may translate it"),
        ("user", "update", OWN_USER, "status", "Nobody changes their own platform role or status"),
        ("platform admin", "administer", OWN_USER, "status", "Nobody changes their own platform role or status"),
        ("platform admin", "create", GERMAN_TEXT, None, "Only a translator of the language may translate it"),
    ],
)
def test_a_denial_of_the_policy_has_a_reason(
    who: str, action: str, subject: Subject, field: str | None, reason: str
) -> None:
    assert ability_for(PEOPLE[who]).decide(action, subject, field).reason == reason


def test_an_anonymous_principal_has_no_rules() -> None:
    assert not is_onboarded(PEOPLE["anonymous"])
    assert ability_for(PEOPLE["anonymous"]).rules == ()


def test_a_user_who_is_not_onboarded_has_only_rules_on_their_own_profile_despite_roles() -> None:
    assert not is_onboarded(PEOPLE["not onboarded"])
    rules = ability_for(PEOPLE["not onboarded"]).rules
    assert {subject for rule in rules for subject in rule.subjects} == {"User"}
    assert all(rule.conditions == {"id": str(ADA)} for rule in rules)


def test_the_ability_of_an_equal_principal_is_kept_and_that_of_a_changed_one_is_another() -> None:
    member = PEOPLE["translator"]
    assert ability_for(msgspec.structs.replace(member)) is ability_for(member)

    without_role = msgspec.structs.replace(member, memberships=(Membership("de", ()),))
    assert ability_for(member).can("translate", GERMAN)
    assert not ability_for(without_role).can("translate", GERMAN)


def test_abilities_with_many_memberships_take_the_places_of_several() -> None:
    def member(number: int, memberships: int) -> Principal:
        codes = [f"qaa-x-{number}-{membership}" for membership in range(memberships)]
        return Principal(PEOPLE["translator"].user, memberships=tuple([Membership(code, ()) for code in codes]))

    small = [member(number, 1) for number in range(10)]
    kept = [ability_for(principal) for principal in small]
    large = [member(number, MEMBERSHIPS_OF_ONE * ABILITIES_KEPT // 4) for number in range(10, 14)]
    for principal in large:
        ability_for(principal)
    assert all(ability_for(principal) is not ability for principal, ability in zip(small, kept, strict=True))
    assert ability_for(large[-1]) is ability_for(large[-1])


def test_every_line_of_the_policy_has_known_words_and_applies_to_somebody() -> None:
    for row in POLICY:
        assert row.which is None or row.which in WHICH
        assert any(WHO[row.who](person) for person in PEOPLE.values())
    assert {row.who for row in POLICY} == WHO.keys()
    assert {row.which for row in POLICY} - {None} == WHICH.keys()


def test_every_denial_in_the_policy_has_a_reason() -> None:
    assert all(row.reason for row in POLICY if row.forbidden)


def test_conditions_use_only_attributes_that_guards_know() -> None:
    """A guard knows only the id in the path or the owner, and cannot decide a condition on another attribute."""
    everybody = PEOPLE["translating platform admin"]
    for row in POLICY:
        if row.which is not None:
            known = {{**ID_ATTRIBUTES, **OWNER_ATTRIBUTES}[subject] for subject in row.subjects}
            assert WHICH[row.which](everybody).keys() == known


@pytest.mark.parametrize("who", PEOPLE)
def test_the_rules_for_clients_are_the_export_of_the_ability(who: str) -> None:
    assert raw_rules_for(PEOPLE[who]) == export(ability_for(PEOPLE[who]))
