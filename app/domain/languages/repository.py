"""All SQL on languages. Reads go through the direct pool: they are on the authorised request."""

from collections.abc import Iterable, Sequence

from advanced_alchemy.repository import SQLAlchemyAsyncRepository
from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert

from app.domain.languages.models import Language
from app.domain.languages.schemas import LanguageView
from app.postgres.database import Database

COLUMNS = "code, name, autonym, text_direction, created_at"
READ = f"SELECT {COLUMNS} FROM languages WHERE code = $1"  # noqa: S608 # constants only
PAGE = f"SELECT {COLUMNS} FROM languages WHERE code > $1 ORDER BY code LIMIT $2"  # noqa: S608 # constants only
PAGE_OF = f"SELECT {COLUMNS} FROM languages WHERE code > $1 AND code = ANY($3) ORDER BY code LIMIT $2"  # noqa: S608 # constants only


async def read(database: Database, code: str) -> LanguageView | None:
    """One language: one prepared statement."""
    row = await database.pool.fetchrow(READ, code)
    return LanguageView(*row) if row else None


async def page(database: Database, codes: Iterable[str] | None, after: str, limit: int) -> list[LanguageView]:
    """Languages in the byte order of their codes, those of `codes` or, with None, all."""
    if codes is None:
        rows = await database.pool.fetch(PAGE, after, limit)
    else:
        # The page is cut from the ids before the query: its cost is the page's, not that of all memberships.
        wanted = sorted(code for code in codes if code > after)[:limit]
        rows = await database.pool.fetch(PAGE_OF, after, limit, wanted)
    return [LanguageView(*row) for row in rows]


class LanguageRepository(SQLAlchemyAsyncRepository[Language]):
    """Languages. Bound to the session of one transaction."""

    model_type = Language

    async def insert(self, languages: Sequence[Language]) -> set[str]:
        """Insert those that do not exist; gives the codes that were inserted."""
        rows = [
            {
                "code": language.code,
                "name": language.name,
                "autonym": language.autonym,
                "text_direction": language.text_direction,
                "created_at": language.created_at,
            }
            for language in languages
        ]
        # As a list of parameters, which SQLAlchemy sends in batches: one statement cannot take thousands of rows.
        statement = insert(Language).on_conflict_do_nothing().returning(Language.code)
        return set((await self.session.execute(statement, rows)).scalars())

    async def change(self, code: str, **columns: str) -> bool:
        """Set columns of one language; False where it does not exist."""
        statement = update(Language).where(Language.code == code).values(**columns).returning(Language.code)
        return (await self.session.execute(statement)).scalar_one_or_none() is not None

    async def remove(self, code: str) -> bool:
        """Delete a language with all that belongs to it; False where it does not exist."""
        statement = delete(Language).where(Language.code == code).returning(Language.code)
        return (await self.session.execute(statement)).scalar_one_or_none() is not None
