"""The data of the peers: the same users, sessions, secrets, languages and memberships, in a schema for each peer."""

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from hmac import digest
from urllib.parse import quote

import asyncpg

BETTER_AUTH_SECRET = "a key of the benchmark 4Xw1kQz8vRt6Lm2N"

# Before Better Auth makes its own tables.
SCHEMAS = "CREATE SCHEMA lucia; CREATE SCHEMA better_auth; CREATE SCHEMA fastapi_users;"

# The token of a user's session, by the user's id: 40 characters as in Lucia.
TOKEN = "md5(u.id::text) || left(md5('session' || u.id::text), 8)"
SECRET_HASH = "(SELECT secret_hash FROM keys k WHERE k.user_id = u.id AND k.kind = 'primary')"

COPY = f"""
CREATE TABLE lucia.auth_user AS SELECT id::text, email, name FROM users;
ALTER TABLE lucia.auth_user ADD PRIMARY KEY (id);
CREATE TABLE lucia.user_key AS
    SELECT 'email:' || email AS id, id::text AS user_id, {SECRET_HASH} AS hashed_password FROM users u;
ALTER TABLE lucia.user_key ADD PRIMARY KEY (id), ADD FOREIGN KEY (user_id) REFERENCES lucia.auth_user;
CREATE TABLE lucia.user_session AS
    SELECT {TOKEN} AS id, u.id::text AS user_id,
           (extract(epoch FROM now() + interval '1 day') * 1000)::bigint AS active_expires,
           (extract(epoch FROM now() + interval '15 days') * 1000)::bigint AS idle_expires
      FROM users u;
ALTER TABLE lucia.user_session ADD PRIMARY KEY (id), ADD FOREIGN KEY (user_id) REFERENCES lucia.auth_user;
CREATE INDEX ON lucia.user_session (user_id);
CREATE TABLE lucia.languages AS SELECT code, name, autonym, text_direction FROM languages;
ALTER TABLE lucia.languages ADD PRIMARY KEY (code);
CREATE TABLE lucia.language_members AS SELECT user_id::text, language_code, roles FROM language_members;
ALTER TABLE lucia.language_members ADD PRIMARY KEY (user_id, language_code);

INSERT INTO better_auth."user" (id, name, email, "emailVerified", "createdAt", "updatedAt")
    SELECT id::text, name, email, true, now(), now() FROM users;
INSERT INTO better_auth.account (id, "accountId", "providerId", "userId", password, "createdAt", "updatedAt")
    SELECT id::text, id::text, 'credential', id::text, {SECRET_HASH}, now(), now() FROM users u;
INSERT INTO better_auth.session (id, token, "userId", "expiresAt", "createdAt", "updatedAt")
    SELECT id::text, {TOKEN}, id::text, now() + interval '7 days', now(), now() FROM users u;

CREATE TABLE fastapi_users."user" AS
    SELECT id, email::varchar(320), {SECRET_HASH}::varchar(1024) AS hashed_password,
           true AS is_active, false AS is_superuser, true AS is_verified FROM users u;
ALTER TABLE fastapi_users."user" ADD PRIMARY KEY (id);
CREATE UNIQUE INDEX ON fastapi_users."user" (email);
CREATE TABLE fastapi_users.accesstoken AS
    SELECT ({TOKEN})::varchar(43) AS token, id AS user_id, now() AS created_at FROM users u;
ALTER TABLE fastapi_users.accesstoken ADD PRIMARY KEY (token);
CREATE TABLE fastapi_users.languages AS SELECT code, name, autonym, text_direction FROM languages;
ALTER TABLE fastapi_users.languages ADD PRIMARY KEY (code);
CREATE TABLE fastapi_users.language_members AS SELECT user_id, language_code, roles FROM language_members;
ALTER TABLE fastapi_users.language_members ADD PRIMARY KEY (user_id, language_code);
"""
TOKENS = f"""
SELECT {TOKEN} FROM unnest($1::text[]) WITH ORDINALITY AS w (email, number) JOIN users u USING (email) ORDER BY w.number
"""
# The cost of a verification is that of the stored hash, whatever the settings of the service are.
HASH_COST = "$argon2id$v=19$m=19456,t=2,p=1"
HASH_COSTS = """
SELECT DISTINCT substring(hash FROM '^(\\$[^$]+\\$[^$]+\\$[^$]+)')
  FROM (SELECT secret_hash AS hash FROM keys UNION ALL SELECT hashed_password FROM lucia.user_key
        UNION ALL SELECT password FROM better_auth.account
        UNION ALL SELECT hashed_password FROM fastapi_users."user") hashes
 WHERE hash IS NOT NULL
"""


async def make_schemas(dsn: str) -> None:
    """The empty schema of each peer."""
    await _execute(dsn, SCHEMAS)


async def copy_data(dsn: str) -> None:
    """Copy the service's users, sessions, languages and memberships into the schemas of the peers."""
    await _execute(dsn, COPY)
    await _execute(dsn, "VACUUM ANALYZE")


async def tokens_of(dsn: str, emails: Sequence[str]) -> list[str]:
    """The session tokens of these users, which are the same at all peers."""
    connection = await asyncpg.connect(dsn)
    try:
        return [row[0] for row in await connection.fetch(TOKENS, emails)]
    finally:
        await connection.close()


async def require_equal_hash_costs(dsn: str) -> None:
    """Raises `RuntimeError` unless every hash of every service has `HASH_COST`."""
    connection = await asyncpg.connect(dsn)
    try:
        costs = [row[0] for row in await connection.fetch(HASH_COSTS)]
    finally:
        await connection.close()
    if costs != [HASH_COST]:
        raise RuntimeError(f"the stored hashes have other costs than {HASH_COST}: {costs}")


def better_auth_cookie(token: str) -> str:
    """The Cookie header of Better Auth: the token and its signature."""
    signature = b64encode(digest(BETTER_AUTH_SECRET.encode(), token.encode(), sha256)).decode()
    return f"Cookie: better-auth.session_token={quote(f'{token}.{signature}', safe='')}"


async def _execute(dsn: str, statements: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statements)
    finally:
        await connection.close()
