"""What a refused write has met: the present version of each stale translation, with its author and time."""

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.languages.members.repository import MemberRepository
from app.domain.languages.translations.repository import LastChange, TranslationRepository
from app.errors import CurrentVersion, FieldError, Problem


async def conflict_over(transaction: AsyncSession, code: str, stale: Mapping[str, str]) -> Problem:
    """The problem `version_conflict` about these keys, each by its field in the body.

    The present version of the empty field, which is the body itself, is the problem's own. The caller, who may write
    the texts of the language, may read its list of members: names of others are not told.
    """
    changes = await TranslationRepository(transaction).last_changes(code, [*stale.values()])
    authors = {change.changed_by for change in changes.values() if change.changed_by is not None}
    names = await MemberRepository(transaction).names(code, authors)

    def current(key: str) -> CurrentVersion | None:
        change: LastChange | None = changes.get(key)
        if change is None:
            return None
        name = names.get(change.changed_by) if change.changed_by else None
        version = None if change.deleted else change.version
        return CurrentVersion(version, change.changed_by, name or None, change.changed_at)

    message = "Read the present version, and write over that one. Nothing has been changed."
    if "" in stale:
        return Problem("version_conflict", message, current=current(stale[""]))
    errors = [FieldError(field, "stale", "Not at this version", current=current(key)) for field, key in stale.items()]
    return Problem("version_conflict", message, errors=errors)
