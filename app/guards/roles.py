"""The roles that exist, each written once: types, database constraints, the policy's words and forms follow."""

from collections.abc import Mapping
from typing import Literal, TypeAlias, get_args

LanguageRole: TypeAlias = Literal["admin", "translator"]
PlatformRole: TypeAlias = Literal["admin"]

LANGUAGE_ROLES: tuple[LanguageRole, ...] = get_args(LanguageRole)
PLATFORM_ROLES: tuple[PlatformRole, ...] = get_args(PlatformRole)

# For each role, the key of `WHICH` for the languages in which a user has the role.
LANGUAGES_OF_ROLE: Mapping[LanguageRole, str] = {
    "admin": "languages they administer",
    "translator": "languages they translate",
}
