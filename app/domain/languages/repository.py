"""All SQL on languages. Reads use the direct pool, because they are on the authorised request."""

from collections.abc import Iterable, Sequence

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from app.domain.languages.models import Language
from app.domain.languages.schemas import LanguageView
from app.postgres.database import Database
from app.postgres.repository import Repository
from app.postgres.rows import to_struct
from app.text import searched

COLUMNS = "code, name, autonym, text_direction, created_at"
READ = f"SELECT {COLUMNS} FROM languages WHERE code = $1"  # noqa: S608 # constants only
PAGE = f"SELECT {COLUMNS} FROM languages WHERE code > $1 ORDER BY code LIMIT $2"  # noqa: S608 # constants only
PAGE_OF = f"SELECT {COLUMNS} FROM languages WHERE code > $1 AND code = ANY($3) ORDER BY code LIMIT $2"  # noqa: S608 # constants only
SEARCH = f"""
SELECT {COLUMNS} FROM languages
 WHERE code > $1 AND position($3 IN folded) > 0 AND ($4::text[] IS NULL OR code = ANY($4)) ORDER BY code LIMIT $2
"""  # noqa: S608 # constants only


async def find_language(database: Database, code: str) -> LanguageView | None:
    """One language: one prepared statement."""
    row = await database.pool.fetchrow(READ, code)
    return to_struct(LanguageView, row) if row else None


async def page(
    database: Database, codes: Iterable[str] | None, after: str, limit: int, search: str = ""
) -> list[LanguageView]:
    """Languages in the byte order of their codes: those of `codes`, or all if it is None.

    With `search`, those with this text in code, name or autonym, in any case.
    """
    if search:
        wanted = None if codes is None else list(codes)
        rows = await database.pool.fetch(SEARCH, after, limit, searched(search), wanted)
    elif codes is None:
        rows = await database.pool.fetch(PAGE, after, limit)
    else:
        # The page is cut from the codes before the query: its cost does not grow with the number of memberships.
        wanted = sorted(code for code in codes if code > after)[:limit]
        rows = await database.pool.fetch(PAGE_OF, after, limit, wanted)
    return [to_struct(LanguageView, row) for row in rows]


class LanguageRepository(Repository[Language]):
    """Languages, in one transaction."""

    model_type = Language

    async def insert(self, languages: Sequence[Language]) -> set[str]:
        """Insert the languages that do not exist; returns the inserted codes."""
        names = [column.name for column in Language.__table__.columns]
        rows = [{name: getattr(language, name) for name in names} for language in languages]
        # As a list of parameters, which SQLAlchemy sends in batches: one statement cannot take thousands of rows.
        statement = insert(Language).on_conflict_do_nothing().returning(Language.code)
        return set((await self.session.execute(statement, rows)).scalars())

    async def lock(self, code: str) -> None:
        """Keep other transactions from changing or deleting the language, and from locking it, until this one ends."""
        await self.session.execute(select(Language.code).where(Language.code == code).with_for_update(key_share=True))

    async def change(self, code: str, **columns: str) -> bool:
        """Set columns of one language; False if there is no such language."""
        statement = update(Language).where(Language.code == code).values(**columns).returning(Language.code)
        return (await self.session.execute(statement)).scalar_one_or_none() is not None

    async def remove(self, code: str) -> bool:
        """Delete a language with its members and texts; False if there is no such language."""
        statement = delete(Language).where(Language.code == code).returning(Language.code)
        return (await self.session.execute(statement)).scalar_one_or_none() is not None
