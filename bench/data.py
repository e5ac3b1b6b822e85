"""The data of the benchmark: users with a session and 3 memberships each, a few with many, and long lists."""

from base64 import urlsafe_b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

import asyncpg
from argon2 import PasswordHasher

from app.auth.tokens import new_session_token, token_hash
from app.http.pagination import time_cursor
from app.postgres.base import new_id

USERS = 10_000
LANGUAGES = 2_000
MEMBERSHIPS = 3
MANY_MEMBERSHIPS = 1_000
# Several, because concurrent reads of one principal can share one statement.
MULTILINGUAL_USERS = 50
# Rows are sent to the database after so many users.
BATCH = 50_000
# The number of members and of translations of the large language.
LARGE = 10_000
LARGE_CODE = "qab"
PAGE = 50
SESSIONS = (
    "sessions (id, token_hash, user_id, method, created_at, authenticated_at, last_seen_at, idle_expires_at, "
    "expires_at, ip)"
)
ROLES: tuple[list[str], ...] = ([], ["translator"], ["admin"], ["admin", "translator"])

SECRET = "seven lamps on a quiet harbour"
WRONG_SECRET = "seven lamps on a noisy harbour"


class Member(NamedTuple):
    """A signed-in user, and the codes of the languages of their memberships."""

    email: str
    token: str
    codes: list[str]

    @property
    def cookie(self) -> str:
        """The line of the Cookie header of the user's session."""
        return f"Cookie: auth_session={self.token}"


class Paged(NamedTuple):
    """A long list: a user who may read the list, and the paths of its first and its last page."""

    reader: Member
    first: str
    last: str


class Data(NamedTuple):
    """The inserted data: users with few memberships each, and users with many.

    `refused` has the email and secret of each kind of sign-in that must be refused in the same time, `lists` the long
    lists by name.
    """

    users: list[Member]
    multilingual_users: list[Member]
    refused: dict[str, tuple[str, str]]
    lists: dict[str, Paged]


class _Rows:
    """The rows to insert, by table. At the end of a batch they are copied into the database."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._connection = connection
        self._secret_hash = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1).hash(SECRET)
        self._now = datetime.now(UTC)
        self.languages: list[tuple[object, ...]] = []
        self.users: list[tuple[object, ...]] = []
        self.keys: list[tuple[object, ...]] = []
        self.sessions: list[tuple[object, ...]] = []
        self.members: list[tuple[object, ...]] = []
        self.texts: list[tuple[object, ...]] = []

    def language(self, code: str) -> None:
        """Add a language."""
        self.languages.append((code, f"Language {code}", f"Autonym {code}", "ltr", self._now))

    def user(self, email: str, *, status: str = "active", secret: bool = True) -> UUID:
        """Add a user; returns the id."""
        user_id, now = uuid4(), self._now
        self.users.append((user_id, email, "Ada", status, now, now, now))
        secret_hash = self._secret_hash if secret else None
        self.keys.append((new_id(), user_id, "primary", "email", email, secret_hash, now))
        return user_id

    def member(self, email: str, codes: list[str]) -> Member:
        """Add a user with a session and a membership in each language."""
        user_id, now, token = self.user(email), self._now, new_session_token()
        expires_at = now + timedelta(days=14)
        self.sessions.append(
            (new_id(), token_hash(token), user_id, "password", now, now, now, expires_at, expires_at, "127.0.0.1")
        )
        self.members.extend([(code, user_id, ROLES[i % len(ROLES)], now) for i, code in enumerate(codes)])
        return Member(email, token, codes)

    def large_language(self) -> dict[str, Paged]:
        """Add a language with many members and translations; returns its lists by name."""
        self.language(LARGE_CODE)
        reader, now = self.member("reader@example.org", [LARGE_CODE]), self._now
        ids = sorted(self.user(f"member-{number}@example.org") for number in range(LARGE))
        keys = [f"key.{number:06}" for number in range(LARGE)]
        self.members.extend([(LARGE_CODE, user_id, [], now) for user_id in ids])
        self.texts.extend([(LARGE_CODE, key, "A text of a few words", "draft", 1, now) for key in keys])
        path = f"/api/languages/{LARGE_CODE}"
        return {
            f"GET members of {LARGE:,}": _paged(reader, f"{path}/members", time_cursor(now, ids[PAGE])),
            f"GET translations of {LARGE:,}": _paged(reader, f"{path}/translations", keys[-PAGE - 1]),
        }

    async def copy(self) -> None:
        """Copy the rows into the database, and forget them."""
        for target, records in self._tables():
            table, _, columns = target.rstrip(")").partition(" (")
            if records:
                await self._connection.copy_records_to_table(table, records=records, columns=columns.split(", "))
            records.clear()

    def _tables(self) -> Iterator[tuple[str, list[tuple[object, ...]]]]:
        yield "languages (code, name, autonym, text_direction, created_at)", self.languages
        yield "users (id, email, name, status, onboarded_at, created_at, updated_at)", self.users
        yield "keys (id, user_id, kind, provider, identifier, secret_hash, created_at)", self.keys
        yield SESSIONS, self.sessions
        yield "language_members (language_code, user_id, roles, created_at)", self.members
        yield "translations (language_code, key, text, state, version, updated_at)", self.texts


def _paged(reader: Member, path: str, before_last: str, limit: int = PAGE) -> Paged:
    """The list at `path`; `before_last` is the key of the last row before its last page."""
    cursor = urlsafe_b64encode(before_last.encode()).decode().rstrip("=")
    return Paged(reader, f"{path}?limit={limit}", f"{path}?limit={limit}&cursor={cursor}")


async def insert_data(dsn: str, users_number: int = USERS) -> Data:
    """Fill the empty tables of a migrated database, with `users_number` users of few memberships."""
    connection = await asyncpg.connect(dsn)
    try:
        # Without the checks of foreign keys, which take most of the time.
        await connection.execute("SET session_replication_role = replica")
        data = await _insert(_Rows(connection), users_number)
        await connection.execute("VACUUM ANALYZE")
        await connection.execute("CHECKPOINT")  # not during the measurements
    finally:
        await connection.close()
    return data


async def _insert(rows: _Rows, users_number: int) -> Data:
    codes = [f"qaa-x-{number:04}" for number in range(LANGUAGES)]
    for code in codes:
        rows.language(code)
    users: list[Member] = []
    for first in range(0, users_number, BATCH):
        users += [
            rows.member(
                f"user-{number}@example.org",
                [codes[(MEMBERSHIPS * number + offset) % LANGUAGES] for offset in range(MEMBERSHIPS)],
            )
            for number in range(first, min(first + BATCH, users_number))
        ]
        await rows.copy()
    multilingual_users = [
        rows.member(f"multilingual-{number}@example.org", codes[:MANY_MEMBERSHIPS])
        for number in range(MULTILINGUAL_USERS)
    ]
    lists = {
        f"GET {MEMBERSHIPS} of {LANGUAGES:,} languages": _paged(users[-1], "/api/languages", users[-1].codes[-2], 1),
        **rows.large_language(),
    }
    rows.user("no-secret@example.org", secret=False)
    rows.user("suspended@example.org", status="suspended")
    await rows.copy()
    return Data(
        users,
        multilingual_users,
        {
            "unknown address": ("nobody@example.org", SECRET),
            "wrong secret": (users[0].email, WRONG_SECRET),
            "no secret": ("no-secret@example.org", SECRET),
            "suspended user": ("suspended@example.org", SECRET),
        },
        lists,
    )
