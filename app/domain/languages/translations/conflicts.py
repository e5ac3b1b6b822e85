"""What a refused write has met: the present version of each stale translation, with its author and time."""

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.languages.members.repository import MemberRepository
from app.domain.languages.translations.repository import LastChange, TranslationRepository
from app.errors import CurrentVersion, FieldError, Params, Problem

WITH_VERSION = "Read the present version, and write over that one."
WITHOUT_VERSION = "There is no present version: what is still needed is written as new."


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

    met = {field: current(key) for field, key in stale.items()}
    reasons = [_reason(version) for version in met.values()]
    # One text is about all of them: where there is nothing to look at, it is another one.
    params = reasons[0] if reasons == reasons[:1] * len(reasons) else {}
    detail = f"{WITHOUT_VERSION if params else WITH_VERSION} Nothing has been changed."
    if "" in stale:
        return Problem("version_conflict", detail, current=met[""], params=params)
    errors = [
        FieldError(field, "stale", "Not at this version", _reason(version), version) for field, version in met.items()
    ]
    return Problem("version_conflict", detail, errors=errors, params=params)


def _reason(current: CurrentVersion | None) -> Params:
    """Why there is no present version, as a parameter of the texts; empty if there is one."""
    if current is None:
        return {"reason": "missing"}
    return {"reason": "deleted"} if current.version is None else {}
