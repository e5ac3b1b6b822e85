"""What a page costs: each page of a long list, the last one too, reads its own rows by an index, and no others."""

import json
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.dialects.postgresql.asyncpg import dialect

from app.domain.languages import repository
from app.domain.languages.members import repository as member_repository
from app.domain.languages.translations import repository as translation_repository
from tests.support.app import RunningApp

LIMIT = 50
# The rows of a page, the one that tells of a next page, and the account and primary key beside each member.
MAX_ROWS = 3 * (LIMIT + 1)

# 2,000 languages and 20,000 users with one or two of them each; 10,000 users are also members of x-0700, which has
# 10,000 texts, like its neighbour, and one of them 10,000 versions.
FILL = """
INSERT INTO languages
SELECT 'x-' || lpad(n::text, 4, '0'), 'Language', 'Language', 'ltr', now() FROM generate_series(1, 2000) n;
INSERT INTO users (id, email, name, created_at, updated_at)
SELECT lpad(to_hex(n), 32, '0')::uuid, n || '@example.org', 'Ada', now(), now() FROM generate_series(1, 20000) n;
INSERT INTO keys (id, user_id, kind, provider, identifier, created_at)
SELECT gen_random_uuid(), id, 'primary', 'email', email, now() FROM users;
INSERT INTO language_members (language_code, user_id, created_at)
SELECT 'x-' || lpad((n % 2000 + 1)::text, 4, '0'), lpad(to_hex(n / 2 + 1), 32, '0')::uuid, now()
  FROM generate_series(0, 39998) n ON CONFLICT DO NOTHING;
INSERT INTO language_members (language_code, user_id, created_at)
SELECT 'x-0700', lpad(to_hex(2 * n), 32, '0')::uuid, now() FROM generate_series(1, 10000) n ON CONFLICT DO NOTHING;
INSERT INTO translations SELECT code, 'key.' || lpad(n::text, 6, '0'), 'x', 'draft', 1, NULL, now()
  FROM generate_series(1, 10000) n, (VALUES ('x-0700'), ('x-0701')) AS codes (code);
INSERT INTO translation_versions
SELECT 'x-0700', 'key.000001', n, 'x', 'draft', NULL, now() FROM generate_series(1, 10000) n;
ANALYZE
"""


def members_page(after: UUID) -> tuple[object, ...]:
    """The values of the statement for a page of members, in the order of its placeholders."""
    values = {"code": "x-0700", "after": after, "limit": LIMIT + 1}
    return tuple([values.get(name, MEMBERS.params.get(name)) for name in MEMBERS.positiontup or ()])


FIRST, LAST = UUID(int=0), UUID(int=2 * (10_000 - LIMIT))
NEAR_END = f"key.{10_000 - LIMIT:06}"
MEMBERS = member_repository.PAGE.compile(dialect=dialect())  # type: ignore[no-untyped-call] # SQLAlchemy's is untyped
# A statement, and what it is given for the first page and for the last one.
PAGES: dict[str, tuple[str, tuple[object, ...], tuple[object, ...]]] = {
    "all languages": (repository.PAGE, ("", LIMIT + 1), ("x-1950", LIMIT + 1)),
    "the languages of a member of three": (
        repository.PAGE_OF,
        ("", LIMIT + 1, ["x-0001", "x-0700", "x-2000"]),
        ("x-1999", LIMIT + 1, ["x-2000"]),
    ),
    "members": (str(MEMBERS), members_page(FIRST), members_page(LAST)),
    "translations": (
        translation_repository.PAGE,
        ("x-0700", "", "", None, None, LIMIT + 1),
        ("x-0700", NEAR_END, "", None, None, LIMIT + 1),
    ),
    "translations with a prefix": (
        translation_repository.PAGE,
        ("x-0700", "", "key.0099", None, None, LIMIT + 1),
        ("x-0700", NEAR_END, "key.0099", None, None, LIMIT + 1),
    ),
    "history": (
        translation_repository.HISTORY,
        ("x-0700", "key.000001", 0, LIMIT + 1),
        ("x-0700", "key.000001", 10_000 - LIMIT, LIMIT + 1),
    ),
}  # fmt: skip


READS = {"Index Scan", "Index Only Scan", "Bitmap Heap Scan"}
# What is sorted or joined has been read before, and is counted there.
CHEAP = READS | {"Limit", "Sort", "Nested Loop", "Memoize", "Subquery Scan", "Bitmap Index Scan"}


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """A plan and all plans below it."""
    return [plan, *[node for child in plan.get("Plans", []) for node in nodes(child)]]


def rows_read(node: dict[str, Any]) -> float:
    """How many rows a scan has looked at, those that it threw away included."""
    if node["Node Type"] not in READS:
        return 0
    read: float = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
    return read


@pytest.mark.parametrize("plan_cache_mode", ["force_custom_plan", "force_generic_plan"])
async def test_every_page_reads_its_own_rows_through_an_index(app: RunningApp, plan_cache_mode: str) -> None:
    """Both with a plan for the values, and with the one that a prepared statement keeps."""
    pool = app.resources.database.pool
    await pool.execute(FILL)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(f"SET LOCAL plan_cache_mode = {plan_cache_mode}")
        for name, (statement, *pages) in PAGES.items():
            for values in pages:
                explained = await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", *values)
                plan = nodes(json.loads(explained)[0]["Plan"])
                assert all(node["Node Type"] in CHEAP for node in plan), (name, values, plan)
                assert 0 < sum(map(rows_read, plan)) <= MAX_ROWS, (name, values, plan)
