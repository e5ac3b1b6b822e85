"""Roles are defined once: the policy, the expectations and the constraints of the database follow."""

from sqlalchemy import CheckConstraint, Table

from app.domain.languages.members.models import LanguageMember
from app.domain.users.models import User
from app.guards.policy import WHICH, WHO
from app.guards.policy_expectations import principal_described_by
from app.guards.roles import LANGUAGE_ROLES, LANGUAGES_OF_ROLE, PLATFORM_ROLES


def checks(table: object) -> str:
    """The SQL of the CHECK constraints of a table."""
    assert isinstance(table, Table)
    return " ".join(str(part.sqltext) for part in table.constraints if isinstance(part, CheckConstraint))


def test_the_policy_has_words_for_every_language_role() -> None:
    assert LANGUAGES_OF_ROLE.keys() == set(LANGUAGE_ROLES)
    for role in LANGUAGE_ROLES:
        assert f"language {role}" in WHO
        assert LANGUAGES_OF_ROLE[role] in WHICH


def test_expectations_have_a_word_for_every_language_role() -> None:
    for role in LANGUAGE_ROLES:
        (membership,) = principal_described_by(f"{role} of de").memberships
        assert membership.roles == (role,)


def test_the_constraints_of_the_database_allow_exactly_these_roles() -> None:
    assert f"ARRAY[{', '.join(map(repr, LANGUAGE_ROLES))}]" in checks(LanguageMember.__table__)
    assert f"platform_role IN ({', '.join(map(repr, PLATFORM_ROLES))})" in checks(User.__table__)
