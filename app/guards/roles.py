"""The roles that exist: types, database constraints, request bodies and the words of the policy follow from here."""

from collections.abc import Mapping
from typing import Literal, TypeAlias, get_args

LanguageRole: TypeAlias = Literal["admin", "translator"]
PlatformRole: TypeAlias = Literal["admin"]

LANGUAGE_ROLES: tuple[LanguageRole, ...] = get_args(LanguageRole)
PLATFORM_ROLES: tuple[PlatformRole, ...] = get_args(PlatformRole)

# For each role, the key of `WHICH` in `guards/policy.py` that means the languages in which a user has the role.
LANGUAGES_OF_ROLE: Mapping[LanguageRole, str] = {
    "admin": "languages they administer",
    "translator": "languages they translate",
}
