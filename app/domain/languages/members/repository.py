"""All SQL on members. The list of members joins `users` and `keys`, for names and addresses."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Literal, TypeAlias
from uuid import UUID

import asyncpg
from msgspec import Struct
from sqlalchemy import (
    ColumnElement,
    DateTime,
    Integer,
    Row,
    Select,
    Uuid,
    and_,
    bindparam,
    case,
    delete,
    exists,
    false,
    func,
    literal_column,
    not_,
    or_,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.orm import aliased
from sqlalchemy.sql.compiler import SQLCompiler

from app.domain.keys.models import Key
from app.domain.languages.members.models import LanguageMember
from app.domain.languages.members.schemas import Inviter, MemberView, OwnMembershipView
from app.domain.languages.models import Language
from app.domain.users.models import User
from app.guards.roles import LanguageRole
from app.postgres.database import Database
from app.postgres.repository import Repository
from app.postgres.rows import to_struct
from app.text import searched

Search: TypeAlias = Literal["names", "addresses"]

INVITER = aliased(User)
# A service account has no address, and accepts no invitation.
IS_SERVICE = User.kind == literal_column("'service'")


def _with_account(members: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """The columns of `MemberView` for these members.

    Until a member has been active since joining, the name is empty and the address is in its normalised form, so that
    an existing account looks like a new invitation (decision 0019).
    """
    member = members.subquery("member")
    is_active = or_(func.coalesce(User.last_seen_at > member.c.created_at, false()), IS_SERVICE)
    return (
        select(
            *member.c,
            # Literals, no parameters: the plan of a prepared statement then uses the index on primary keys.
            case((is_active, User.name), else_=literal_column("''")).label("name"),
            Key.identifier.label("email"),
            not_(is_active).label("pending"),
            INVITER.name.label("inviter_name"),
        )
        .join(User, User.id == member.c.user_id)
        .outerjoin(Key, and_(Key.user_id == member.c.user_id, Key.kind == literal_column("'primary'")))
        .outerjoin(INVITER, INVITER.id == member.c.inviter_id)
        .order_by(member.c.created_at.desc(), member.c.user_id.desc())
    )


MEMBERS: Select[*tuple[Any, ...]] = select(
    LanguageMember.user_id,
    LanguageMember.language_code,
    LanguageMember.roles,
    LanguageMember.created_at,
    func.coalesce(LanguageMember.invited_at, LanguageMember.created_at).label("invited_at"),
    LanguageMember.invited_by.label("inviter_id"),
).where(LanguageMember.language_code == bindparam("code"))
FIND = _with_account(MEMBERS.where(LanguageMember.user_id == bindparam("user_id")))

BY_INVITER = LanguageMember.invited_by == bindparam("invited_by")
# Only names that the list shows: a search must not find more.
BY_NAME = exists().where(
    User.id == LanguageMember.user_id,
    or_(User.last_seen_at > LanguageMember.created_at, IS_SERVICE),
    func.strpos(User.folded_name, bindparam("search")) > literal_column("0"),
)
BY_ADDRESS = exists().where(
    Key.user_id == LanguageMember.user_id,
    Key.kind == literal_column("'primary'"),
    func.strpos(Key.identifier, bindparam("search")) > literal_column("0"),
)
SEARCHES: Mapping[Search | None, ColumnElement[bool]] = {
    None: true(), "names": BY_NAME, "addresses": or_(BY_NAME, BY_ADDRESS),
}  # fmt: skip

MEMBERSHIPS: SQLCompiler = (
    select(
        LanguageMember.user_id,
        LanguageMember.language_code,
        Language.name.label("language_name"),
        LanguageMember.roles,
        LanguageMember.created_at,
        LanguageMember.invited_by.label("inviter_id"),
        INVITER.name.label("inviter_name"),
    )
    .join(Language, Language.code == LanguageMember.language_code)
    .outerjoin(INVITER, INVITER.id == LanguageMember.invited_by)
    .where(LanguageMember.user_id == bindparam("user_id"), LanguageMember.language_code > bindparam("after"))
    .order_by(LanguageMember.language_code)
    .limit(bindparam("limit", type_=Integer))
    .compile(dialect=dialect())  # type: ignore[no-untyped-call] # SQLAlchemy types no dialect
)


class _MemberRow(Struct, frozen=True):
    """A row of `_with_account`."""

    user_id: UUID
    language_code: str
    roles: list[LanguageRole]
    created_at: datetime
    invited_at: datetime
    inviter_id: UUID | None
    name: str
    email: str | None
    pending: bool
    inviter_name: str | None


class MemberFilters(Struct, frozen=True):
    """What a list of members is limited to: those whom a user has invited last, those with a text in their name.

    With `addresses`, the text is looked for in addresses too.
    """

    invited_by: UUID | None = None
    search: str = ""
    addresses: bool = False


@cache
def page_statement(*, first: bool, by_inviter: bool, search: Search | None) -> SQLCompiler:
    """The statement of a page. It is cut before the accounts are joined: no plan reads accounts that are not shown."""
    created_at, user_id = bindparam("after_time", type_=DateTime(timezone=True)), bindparam("after_id", type_=Uuid())
    earlier = tuple_(LanguageMember.created_at, LanguageMember.user_id) < tuple_(created_at, user_id)
    page = (
        MEMBERS.where(SEARCHES[search], *([] if first else [earlier]), *([BY_INVITER] if by_inviter else []))
        .order_by(LanguageMember.created_at.desc(), LanguageMember.user_id.desc())
        .limit(bindparam("limit", type_=Integer))
    )
    return _with_account(page).compile(dialect=dialect())  # type: ignore[no-untyped-call] # SQLAlchemy types no dialect


async def page(
    database: Database,
    code: str,
    after: tuple[datetime, UUID] | None,
    limit: int,
    filters: MemberFilters,
    lifetime: timedelta,
) -> list[MemberView]:
    """The language's members, the newest first: one prepared statement, without a transaction.

    `lifetime` is that of an invitation.
    """
    search: Search | None = ("addresses" if filters.addresses else "names") if filters.search else None
    compiled = page_statement(first=after is None, by_inviter=filters.invited_by is not None, search=search)
    after_time, after_id = after or (None, None)
    values = {
        "code": code,
        "after_time": after_time,
        "after_id": after_id,
        "limit": limit,
        "invited_by": filters.invited_by,
        "search": searched(filters.search),
    }
    rows = await database.pool.fetch(compiled.string, *[values[name] for name in compiled.positiontup or ()])
    return [_view(row, lifetime) for row in rows]


async def memberships_of(database: Database, user_id: UUID, after: str, limit: int) -> list[OwnMembershipView]:
    """The languages that a user is a member of, by code: one prepared statement."""
    values = {"user_id": user_id, "after": after, "limit": limit}
    rows = await database.pool.fetch(MEMBERSHIPS.string, *[values[name] for name in MEMBERSHIPS.positiontup or ()])
    return [
        to_struct(OwnMembershipView, row, invited_by=_inviter(row["inviter_id"], row["inviter_name"])) for row in rows
    ]


def _view(row: asyncpg.Record | Row[*tuple[Any, ...]], lifetime: timedelta) -> MemberView:
    member = to_struct(_MemberRow, row)
    expires_at = member.invited_at + lifetime if member.pending else None
    return to_struct(
        MemberView, member, expires_at=expires_at, invited_by=_inviter(member.inviter_id, member.inviter_name)
    )


def _inviter(user_id: UUID | None, name: str | None) -> Inviter | None:
    return Inviter(user_id, name or "") if user_id else None


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

    async def note_invitation(self, code: str, user_id: UUID, invited_by: UUID, now: datetime) -> None:
        """Note who has invited a member last, and when; nothing for a member who has been active since joining."""
        is_active = exists().where(User.id == LanguageMember.user_id, User.last_seen_at > LanguageMember.created_at)
        await self.session.execute(
            update(LanguageMember)
            .where(LanguageMember.language_code == code, LanguageMember.user_id == user_id, not_(is_active))
            .values(invited_by=invited_by, invited_at=now)
        )

    async def leave(self, code: str, user_id: UUID) -> bool:
        """Remove a member; False if the user is no member."""
        statement = (
            delete(LanguageMember)
            .where(LanguageMember.language_code == code, LanguageMember.user_id == user_id)
            .returning(LanguageMember.user_id)
        )
        return (await self.session.execute(statement)).scalar_one_or_none() is not None

    async def find(self, code: str, user_id: UUID, lifetime: timedelta) -> MemberView | None:
        """One member. `lifetime` is that of an invitation."""
        row = (await self.session.execute(FIND, {"code": code, "user_id": user_id})).one_or_none()
        return _view(row, lifetime) if row else None

    async def names(self, code: str, user_ids: Collection[UUID]) -> dict[UUID, str]:
        """The names of those of these users who are members, as every member may read them in the list."""
        statement = _with_account(MEMBERS.where(LanguageMember.user_id.in_(user_ids)))
        return {row.user_id: row.name for row in await self.session.execute(statement, {"code": code})}
