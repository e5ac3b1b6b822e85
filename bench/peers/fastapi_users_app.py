"""fastapi-users with sessions in the database, on uvicorn, as its documentation advises. Settings: DATABASE_URL, PORT.

This file runs in an environment of its own, and its packages are those of requirements-peers.lock.
"""

import os
import uuid
from collections.abc import AsyncIterator

import uvicorn
from fastapi import Depends, FastAPI, HTTPException
from fastapi_users import BaseUserManager, FastAPIUsers, UUIDIDMixin
from fastapi_users.authentication import AuthenticationBackend, CookieTransport
from fastapi_users.authentication.strategy.db import AccessTokenDatabase, DatabaseStrategy
from fastapi_users.password import PasswordHelper
from fastapi_users_db_sqlalchemy import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase
from fastapi_users_db_sqlalchemy.access_token import SQLAlchemyAccessTokenDatabase, SQLAlchemyBaseAccessTokenTableUUID
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import ARRAY, MetaData, Text, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SCHEMA = "fastapi_users"
HOURS = 3600


class Base(DeclarativeBase):
    """The tables, in a schema of their own."""

    metadata = MetaData(schema=SCHEMA)


class User(SQLAlchemyBaseUserTableUUID, Base):
    """The table `user`."""


class AccessToken(SQLAlchemyBaseAccessTokenTableUUID, Base):
    """The table `accesstoken`, without a foreign key: its name is that of the default schema."""

    user_id: Mapped[uuid.UUID] = mapped_column()


class Language(Base):
    """The table `languages`."""

    __tablename__ = "languages"

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    autonym: Mapped[str] = mapped_column(Text)
    text_direction: Mapped[str] = mapped_column(Text)


class Membership(Base):
    """The table `language_members`."""

    __tablename__ = "language_members"

    user_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    language_code: Mapped[str] = mapped_column(Text, primary_key=True)
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))


engine = create_async_engine(os.environ["DATABASE_URL"].replace("postgresql:", "postgresql+asyncpg:"), pool_size=10)
sessions = async_sessionmaker(engine, expire_on_commit=False)


async def database() -> AsyncIterator[AsyncSession]:
    """A transaction of the request."""
    async with sessions() as session:
        yield session


async def users(session: AsyncSession = Depends(database)) -> AsyncIterator[SQLAlchemyUserDatabase]:
    """The store of users."""
    yield SQLAlchemyUserDatabase(session, User)


async def tokens(session: AsyncSession = Depends(database)) -> AsyncIterator[SQLAlchemyAccessTokenDatabase]:
    """The store of session tokens."""
    yield SQLAlchemyAccessTokenDatabase(session, AccessToken)


class UserManager(UUIDIDMixin, BaseUserManager[User, uuid.UUID]):
    """Users without mail."""


async def user_manager(store: SQLAlchemyUserDatabase = Depends(users)) -> AsyncIterator[UserManager]:
    """The users, with argon2id of the parameters of the service's default settings."""
    hasher = Argon2Hasher(time_cost=2, memory_cost=19456, parallelism=1)
    yield UserManager(store, PasswordHelper(PasswordHash([hasher])))


def strategy(store: AccessTokenDatabase[AccessToken] = Depends(tokens)) -> DatabaseStrategy:
    """Tokens in the database."""
    return DatabaseStrategy(store, lifetime_seconds=14 * 24 * HOURS)


transport = CookieTransport(cookie_max_age=14 * 24 * HOURS, cookie_secure=False)
backend = AuthenticationBackend(name="cookie", transport=transport, get_strategy=strategy)
fastapi_users = FastAPIUsers[User, uuid.UUID](user_manager, [backend])
current_user = fastapi_users.current_user(active=True)

app = FastAPI()
app.include_router(fastapi_users.get_auth_router(backend), prefix="/api/session")


@app.get("/bare")
async def bare() -> dict[str, str]:
    """A route that does nothing."""
    return {"status": "ok"}


@app.get("/api/session")
async def session_check(
    user: User = Depends(current_user), session: AsyncSession = Depends(database)
) -> dict[str, object]:
    """The user and their memberships."""
    memberships = await session.scalars(select(Membership).where(Membership.user_id == user.id))
    items = [{"language": item.language_code, "roles": item.roles} for item in memberships]
    return {"user": {"id": user.id, "email": user.email}, "memberships": items}


@app.get("/api/languages/{code}")
async def language(
    code: str, user: User = Depends(current_user), session: AsyncSession = Depends(database)
) -> dict[str, object]:
    """A language, for its members."""
    member = select(Membership).where(Membership.user_id == user.id, Membership.language_code == code)
    if await session.scalar(member) is None:
        raise HTTPException(403)
    found = await session.get_one(Language, code)
    return {"code": found.code, "name": found.name, "autonym": found.autonym, "textDirection": found.text_direction}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), access_log=False, loop="uvloop", http="httptools")
