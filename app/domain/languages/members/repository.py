"""All SQL on members."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from advanced_alchemy.repository import SQLAlchemyAsyncRepository
from msgspec import Struct
from sqlalchemy import delete, exists, select, text, update
from sqlalchemy.dialects.postgresql import insert

from app.domain.languages.members.schemas import MemberView
from app.domain.languages.models import Language, LanguageMember
from app.domain.users.models import User
from app.domain.users.repository import WAITS
from app.postgres.database import Database

# Until they have been here as a member, somebody with an account looks like somebody who was invited: without a name,
# and with the one form of an address that does not tell how the account writes it.
VIEW = """
SELECT m.user_id, CASE WHEN u.last_seen_at > m.created_at THEN u.name ELSE '' END AS name, k.identifier AS email,
       m.roles, m.created_at
"""
JOINED = "JOIN users u ON u.id = m.user_id JOIN keys k ON k.user_id = m.user_id AND k.kind = 'primary'"
# The page is cut before the accounts are joined, so that no plan reads accounts that it does not show.
PAGE = f"""{VIEW}
  FROM (SELECT user_id, roles, created_at FROM language_members
         WHERE language_code = $1 AND user_id > $2 ORDER BY user_id LIMIT $3) m
  {JOINED}
 ORDER BY m.user_id
"""  # noqa: S608 # joined from constants
FIND = text(f"{VIEW} FROM language_members m {JOINED} WHERE m.language_code = :code AND m.user_id = :user_id")
PAGE_START = UUID(int=0)


class Person(Struct, frozen=True):
    """The account behind a member, as far as mails need it; `waits` until its owner has accepted an invitation."""

    email: str
    locale: str | None
    status: str
    waits: bool


async def page(database: Database, code: str, after: UUID | None, limit: int) -> list[MemberView]:
    """Members in the order of their ids: one prepared statement."""
    rows = await database.pool.fetch(PAGE, code, after or PAGE_START, limit)
    return [MemberView(*row) for row in rows]


class MemberRepository(SQLAlchemyAsyncRepository[LanguageMember]):
    """Members. Bound to the session of one transaction."""

    model_type = LanguageMember

    async def language_name(self, code: str) -> str | None:
        """The name of the language; None where it does not exist."""
        statement = select(Language.name).where(Language.code == code)
        return (await self.session.execute(statement)).scalar_one_or_none()

    async def join(self, code: str, user_id: UUID, roles: Sequence[str], invited_by: UUID, now: datetime) -> bool:
        """Add a member; False where the user is one already."""
        statement = (
            insert(LanguageMember)
            .values(
                language_code=code, user_id=user_id, roles=sorted(set(roles)), invited_by=invited_by, created_at=now
            )
            .on_conflict_do_nothing()
            .returning(LanguageMember.user_id)
        )
        return (await self.session.execute(statement)).scalar_one_or_none() is not None

    async def set_roles(self, code: str, user_id: UUID, roles: Sequence[str]) -> None:
        """Replace the roles of a member, if the user is one."""
        await self.session.execute(
            update(LanguageMember)
            .where(LanguageMember.language_code == code, LanguageMember.user_id == user_id)
            .values(roles=sorted(set(roles)))
        )

    async def leave(self, code: str, user_id: UUID) -> bool:
        """Remove a member; False where the user is none."""
        statement = (
            delete(LanguageMember)
            .where(LanguageMember.language_code == code, LanguageMember.user_id == user_id)
            .returning(LanguageMember.user_id)
        )
        return (await self.session.execute(statement)).scalar_one_or_none() is not None

    async def find(self, code: str, user_id: UUID) -> MemberView | None:
        """One member."""
        row = (await self.session.execute(FIND, {"code": code, "user_id": user_id})).one_or_none()
        return MemberView(*row) if row else None

    async def is_member_somewhere(self, user_id: UUID) -> bool:
        """Whether the user belongs to any language."""
        statement = select(exists().where(LanguageMember.user_id == user_id))
        return bool((await self.session.execute(statement)).scalar_one())

    async def name_of(self, user_id: UUID) -> str:
        """How a user is called."""
        return (await self.session.execute(select(User.name).where(User.id == user_id))).scalar_one()

    async def person(self, user_id: UUID) -> Person:
        """The account behind a member."""
        statement = select(User.email, User.locale, User.status, WAITS)
        return Person(*(await self.session.execute(statement.where(User.id == user_id))).one())
