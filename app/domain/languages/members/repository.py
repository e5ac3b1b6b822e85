"""All SQL on members. The list of members joins `users` and `keys`, for names and addresses."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, Select, and_, bindparam, case, delete, literal_column, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.sql.compiler import SQLCompiler

from app.domain.keys.models import Key
from app.domain.languages.members.models import LanguageMember
from app.domain.languages.members.schemas import MemberView
from app.domain.users.models import User
from app.postgres.database import Database
from app.postgres.repository import Repository
from app.postgres.rows import to_struct


def _with_account(
    members: Select[UUID, list[str], datetime],
) -> Select[UUID, str, str, list[str], datetime]:
    """The columns of `MemberView` for these members.

    Until a member has been active since joining, the name is empty and the address is in its normalised form, so that
    an existing account looks like a new invitation (decision 0019).
    """
    member = members.subquery("member")
    # Literals, no parameters: the plan of a prepared statement then uses the index on primary keys.
    name = case((User.last_seen_at > member.c.created_at, User.name), else_=literal_column("''"))
    return (
        select(
            member.c.user_id,
            name.label("name"),
            Key.identifier.label("email"),
            member.c.roles,
            member.c.created_at,
        )
        .join(User, User.id == member.c.user_id)
        .join(Key, and_(Key.user_id == member.c.user_id, Key.kind == literal_column("'primary'")))
        .order_by(member.c.user_id)
    )


MEMBERS = select(LanguageMember.user_id, LanguageMember.roles, LanguageMember.created_at).where(
    LanguageMember.language_code == bindparam("code")
)
FIND = _with_account(MEMBERS.where(LanguageMember.user_id == bindparam("user_id")))


def _compiled_page(*which: ColumnElement[bool]) -> SQLCompiler:
    """The statement of a page. It is cut before the accounts are joined: no plan reads accounts that are not shown."""
    page = (
        MEMBERS.where(LanguageMember.user_id > bindparam("after"), *which)
        .order_by(LanguageMember.user_id)
        .limit(bindparam("limit", type_=Integer))
    )
    return _with_account(page).compile(dialect=dialect())  # type: ignore[no-untyped-call] # SQLAlchemy types no dialect


PAGE = _compiled_page()
PAGE_OF_INVITER = _compiled_page(LanguageMember.invited_by == bindparam("invited_by"))
PAGE_START = UUID(int=0)


async def page(
    database: Database, code: str, after: UUID | None, limit: int, invited_by: UUID | None = None
) -> list[MemberView]:
    """The language's members in the order of their ids: one prepared statement, without a transaction.

    With `invited_by`, those whom this user has added or invited last.
    """
    compiled = PAGE_OF_INVITER if invited_by else PAGE
    values = {"code": code, "after": after or PAGE_START, "limit": limit, "invited_by": invited_by}
    rows = await database.pool.fetch(compiled.string, *[values[name] for name in compiled.positiontup or ()])
    return [to_struct(MemberView, row) for row in rows]


class MemberRepository(Repository[LanguageMember]):
    """Members, in one transaction."""

    model_type = LanguageMember

    async def lock_roles(self, code: str, user_id: UUID) -> list[str] | None:
        """The roles of a member, with a shared lock on the membership; None if the user is no member."""
        statement = (
            select(LanguageMember.roles)
            .where(LanguageMember.language_code == code, LanguageMember.user_id == user_id)
            .with_for_update(read=True)
        )
        return (await self.session.execute(statement)).scalar_one_or_none()

    async def join(self, code: str, user_id: UUID, roles: Sequence[str], invited_by: UUID, now: datetime) -> bool:
        """Add a member; False if the user is a member already."""
        statement = (
            insert(LanguageMember)
            .values(
                language_code=code, user_id=user_id, roles=sorted(set(roles)), invited_by=invited_by, created_at=now
            )
            .on_conflict_do_nothing()
            .returning(LanguageMember.user_id)
        )
        return (await self.session.execute(statement)).scalar_one_or_none() is not None

    async def set_roles(self, code: str, user_id: UUID, roles: Sequence[str]) -> bool:
        """Replace the roles of a member; False if the user is none, or has these roles."""
        new_roles = sorted(set(roles))
        statement = (
            update(LanguageMember)
            .where(
                LanguageMember.language_code == code,
                LanguageMember.user_id == user_id,
                LanguageMember.roles != new_roles,
            )
            .values(roles=new_roles)
            .returning(LanguageMember.user_id)
        )
        return (await self.session.execute(statement)).scalar_one_or_none() is not None

    async def set_inviter(self, code: str, user_id: UUID, invited_by: UUID) -> None:
        """Name the user who has invited the member last."""
        await self.session.execute(
            update(LanguageMember)
            .where(LanguageMember.language_code == code, LanguageMember.user_id == user_id)
            .values(invited_by=invited_by)
        )

    async def leave(self, code: str, user_id: UUID) -> bool:
        """Remove a member; False if the user is no member."""
        statement = (
            delete(LanguageMember)
            .where(LanguageMember.language_code == code, LanguageMember.user_id == user_id)
            .returning(LanguageMember.user_id)
        )
        return (await self.session.execute(statement)).scalar_one_or_none() is not None

    async def find(self, code: str, user_id: UUID) -> MemberView | None:
        """One member."""
        row = (await self.session.execute(FIND, {"code": code, "user_id": user_id})).one_or_none()
        return to_struct(MemberView, row) if row else None

    async def names(self, code: str, user_ids: Collection[UUID]) -> dict[UUID, str]:
        """The names of those of these users who are members, as every member may read them in the list."""
        statement = _with_account(MEMBERS.where(LanguageMember.user_id.in_(user_ids)))
        return {row.user_id: row.name for row in await self.session.execute(statement, {"code": code})}
