"""The routes and audit actions of languages, their members and their translations."""

from app.domain.languages.controllers import LanguageController
from app.domain.languages.members.controllers import MemberController, MembershipController
from app.domain.languages.translations.controllers import ChangesController, TranslationController
from app.domain.module import Module

MODULE = Module(
    controllers=(LanguageController, MemberController, MembershipController, ChangesController, TranslationController),
    tags=("Languages", "Members", "Translations"),
    audit_actions={
        "member.add": "The user was added to a language; `language` and `roles` say which.",
        "member.set_roles": "The roles of a member were replaced.",
        "member.remove": "A member was removed.",
        "member.leave": "A member left.",
        "language.create": "A language was created or imported.",
        "language.change": "A language was changed; `fields` says what of it.",
        "language.delete": "A language was deleted.",
    },
)
