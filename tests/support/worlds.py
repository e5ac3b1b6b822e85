"""What the requests of the matrix of operations are about, made with few statements, because it is made so often."""

from itertools import count
from uuid import UUID, uuid4

from app.auth.tokens import token_hash
from app.domain.sessions.disowning import disowning_token
from tests.support.app import RunningApp
from tests.support.operations import World

NUMBERS = count()
SESSION = """
INSERT INTO sessions (id, token_hash, user_id, method, created_at, authenticated_at, last_seen_at, idle_expires_at,
                      expires_at)
SELECT $1, $2, $3, 'password', now, now, now, now + interval '1 hour', now + interval '1 hour'
  FROM (VALUES ($4::timestamptz)) AS clock (now)
"""
# Somebody with a primary key, a member of the language, and one who has not accepted the invitation yet.
PEOPLE = """
WITH people AS (
    INSERT INTO users (id, email, name, onboarded_at, created_at, updated_at)
    SELECT id, name || $1 || '@example.org', name, CASE WHEN name <> 'waiting' THEN $2::timestamptz END, $2, $2
      FROM unnest($3::uuid[], ARRAY['somebody', 'member', 'waiting']) AS person (id, name)
    RETURNING id, email, name
), keys AS (
    INSERT INTO keys (id, user_id, kind, provider, identifier, created_at)
    SELECT gen_random_uuid(), id, 'primary', 'email', email, $2 FROM people
)
INSERT INTO language_members (language_code, user_id, roles, created_at)
SELECT $4, id, '{}', $2 FROM people WHERE name <> 'somebody'
"""
TEXT = """
WITH text AS (
    INSERT INTO translations (language_code, key, text, state, version, updated_at)
    VALUES ($1, $2, 'Hi', 'draft', 1, $3) RETURNING *
)
INSERT INTO translation_versions (language_code, key, version, text, state, changed_at)
SELECT language_code, key, version, text, state, updated_at FROM text
"""
LINK_KEY = """
INSERT INTO keys (id, user_id, kind, provider, identifier, purpose, address, created_at, expires_at)
SELECT $1::uuid, $2, 'single_use', 'link', $1::text, 'password_reset', $1::text, now, now + interval '1 hour'
  FROM (VALUES ($3::timestamptz)) AS clock (now)
"""
# A service account with a key.
ACCOUNT = """
WITH account AS (
    INSERT INTO users (id, kind, email, name, onboarded_at, created_at, updated_at)
    VALUES ($1, 'service', '', 'Export', $3, $3, $3) RETURNING id
)
INSERT INTO keys (id, user_id, kind, provider, identifier, name, created_at, expires_at)
SELECT $2::uuid, id, 'api', 'api', $2::text, 'Build', $3, $3 + interval '1 hour' FROM account
"""
DEAD_JOB = """
INSERT INTO jobs (id, kind, state, payload, due_at, created_at, finished_at)
VALUES ($1, 'mail', 'dead', '\\x00', $2, $2, $2)
"""
LANGUAGE = """
INSERT INTO languages (code, name, autonym, text_direction, created_at) VALUES ($1, $1, $1, 'ltr', now())
ON CONFLICT DO NOTHING
"""
# In the path of an operation, what its request needs besides the people.
NEEDS_LINK = "/keys/"
NEEDS_TEXT = "/translations"
NEEDS_JOB = "/jobs/"
NEEDS_ACCOUNT = "/service-accounts/"


async def session_of(app: RunningApp, user_id: UUID) -> tuple[UUID, str]:
    """Start a session of the user with one statement. Returns its id and its token."""
    session_id, token = uuid4(), f"ost_{next(NUMBERS):043}"
    await app.resources.database.pool.execute(SESSION, session_id, token_hash(token), user_id, app.clock())
    return session_id, token


async def world_of(app: RunningApp, operation: str, owner: UUID | None, code: str) -> World:
    """Create what the request of an operation is about: all of it exists, whatever earlier requests have done.

    Its subjects are those of `owner`, or else of somebody new.
    """
    pool, number = app.resources.database.pool, next(NUMBERS)
    somebody, member, waiting = uuid4(), uuid4(), uuid4()
    text_key = f"text{number}"
    await pool.execute(LANGUAGE, code)
    await pool.execute(PEOPLE, str(number), app.clock(), [somebody, member, waiting], code)
    if NEEDS_TEXT in operation:
        await pool.execute(TEXT, code, text_key, app.clock())
    subject = owner or somebody
    session_id, _ = await session_of(app, subject)
    key_id = uuid4()
    if NEEDS_LINK in operation:
        await pool.execute(LINK_KEY, key_id, subject, app.clock())
    job_id = uuid4()
    if NEEDS_JOB in operation:
        await pool.execute(DEAD_JOB, job_id, app.clock())
    account_id, account_key_id = uuid4(), uuid4()
    if NEEDS_ACCOUNT in operation:
        await pool.execute(ACCOUNT, account_id, account_key_id, app.clock())
    return World(
        owner_id=str(subject),
        user_id="me" if owner else str(subject),
        session_id=str(session_id),
        key_id=str(key_id),
        job_id=str(job_id),
        code=code,
        text_key=text_key,
        number=number,
        member_id=str(member),
        invited_id=str(waiting),
        account_id=str(account_id),
        account_key_id=str(account_key_id),
        disowning_token=disowning_token(app.resources, subject, session_id),
        token=await app.invitation(f"invited{number}@example.org") if NEEDS_LINK in operation else "",
    )
