"""Roles are written once: the policy has words for each, and every form and constraint follows."""

from sqlalchemy import CheckConstraint, Table

from app.domain.languages.members.models import LanguageMember
from app.domain.users.models import User
from app.guards.policy import WHICH, WHO
from app.guards.policy_expectations import principal_of
from app.guards.roles import LANGUAGE_ROLES, LANGUAGES_OF_ROLE, PLATFORM_ROLES


def checks(table: object) -> str:
    assert isinstance(table, Table)
    return " ".join(str(part.sqltext) for part in table.constraints if isinstance(part, CheckConstraint))


def test_the_policy_has_words_for_every_role_of_languages() -> None:
    assert LANGUAGES_OF_ROLE.keys() == set(LANGUAGE_ROLES)
    for role in LANGUAGE_ROLES:
        assert f"language {role}" in WHO
        assert LANGUAGES_OF_ROLE[role] in WHICH


def test_expectations_know_every_role_of_languages() -> None:
    for role in LANGUAGE_ROLES:
        (membership,) = principal_of(f"{role} of de").memberships
        assert membership.roles == (role,)


def test_the_database_takes_exactly_these_roles() -> None:
    assert f"ARRAY[{', '.join(map(repr, LANGUAGE_ROLES))}]" in checks(LanguageMember.__table__)
    assert f"platform_role IN ({', '.join(map(repr, PLATFORM_ROLES))})" in checks(User.__table__)
