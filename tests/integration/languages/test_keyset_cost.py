"""The cost of a page: each page of a long list, also the last, reads only its own rows, through an index."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from app.domain.languages import repository
from app.domain.languages.members import repository as member_repository
from app.domain.languages.translations import repository as translation_repository
from tests.support.app import RunningApp

LIMIT = 50
# The rows of a page and 1 more, which shows that a next page exists; with each member, a user and a primary key.
MAX_ROWS = 3 * (LIMIT + 1)

# 2,000 languages, and 20,000 users with 1 or 2 languages each. 10,000 of the users are also members of x-0700. The
# languages x-0700 and x-0701 have 10,000 translations each, and one translation has 10,000 versions.
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
SELECT 'x-0700', lpad(to_hex(2 * n), 32, '0')::uuid, timestamptz '2026-01-01Z' - n * interval '1 minute'
  FROM generate_series(1, 10000) n ON CONFLICT DO NOTHING;
INSERT INTO translations SELECT code, 'key.' || lpad(n::text, 6, '0'), 'x', 'draft', 1, NULL, now()
  FROM generate_series(1, 10000) n, (VALUES ('x-0700'), ('x-0701')) AS codes (code);
INSERT INTO translation_versions (language_code, key, version, text, state, changed_by, changed_at)
SELECT 'x-0700', 'key.000001', n, 'x', 'draft', NULL, now() FROM generate_series(1, 10000) n;
ANALYZE
"""


def parameters_of_members(after: datetime) -> tuple[object, ...]:
    """The parameters of the statement for a page of members, in the order of its placeholders."""
    parameters = {"code": "x-0700", "after_time": after, "after_id": UUID(int=0), "limit": LIMIT + 1}
    return tuple([parameters.get(name, MEMBERS.params.get(name)) for name in MEMBERS.positiontup or ()])


NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
FIRST, LAST = NEW_YEAR + timedelta(days=365), NEW_YEAR - timedelta(minutes=10_000 - LIMIT)
NEAR_END = f"key.{10_000 - LIMIT:06}"
MEMBERS = member_repository.page_statement(first=False, by_inviter=False, search=None)
# By name: a statement, its parameters for the first page, and its parameters for the last page.
PAGES: dict[str, tuple[str, tuple[object, ...], tuple[object, ...]]] = {
    "all languages": (repository.PAGE, ("", LIMIT + 1), ("x-1950", LIMIT + 1)),
    "the languages of a member of three": (
        repository.PAGE_OF,
        ("", LIMIT + 1, ["x-0001", "x-0700", "x-2000"]),
        ("x-1999", LIMIT + 1, ["x-2000"]),
    ),
    "members": (str(MEMBERS), parameters_of_members(FIRST), parameters_of_members(LAST)),
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
    "changes": (
        translation_repository.CHANGES, ("x-0700", 0, LIMIT + 1), ("x-0700", 10_000 - LIMIT, LIMIT + 1),
    ),
    "history": (
        translation_repository.HISTORY,
        ("x-0700", "key.000001", 0, LIMIT + 1),
        ("x-0700", "key.000001", 10_000 - LIMIT, LIMIT + 1),
    ),
}  # fmt: skip


SCAN_NODES = {"Index Scan", "Index Only Scan", "Bitmap Heap Scan"}
# The other nodes take their rows from nodes below, where the rows are counted.
ALLOWED_NODES = SCAN_NODES | {"Limit", "Sort", "Nested Loop", "Memoize", "Subquery Scan", "Bitmap Index Scan"}


def all_nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """A plan node and all nodes below it."""
    return [plan, *[node for child in plan.get("Plans", []) for node in all_nodes(child)]]


def rows_read(node: dict[str, Any]) -> float:
    """The number of rows that a scan has read, including rows that its filter removed."""
    if node["Node Type"] not in SCAN_NODES:
        return 0
    read: float = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
    return read


@pytest.mark.parametrize("plan_cache_mode", ["force_custom_plan", "force_generic_plan"])
async def test_every_page_reads_only_its_own_rows_through_an_index(app: RunningApp, plan_cache_mode: str) -> None:
    """With a custom plan, and with the generic plan that a prepared statement keeps."""
    pool = app.resources.database.pool
    await pool.execute(FILL)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(f"SET LOCAL plan_cache_mode = {plan_cache_mode}")
        for name, (statement, *parameters_of_pages) in PAGES.items():
            for parameters in parameters_of_pages:
                explained = await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", *parameters)
                plan = all_nodes(json.loads(explained)[0]["Plan"])
                assert all(node["Node Type"] in ALLOWED_NODES for node in plan), (name, parameters, plan)
                assert 0 < sum(map(rows_read, plan)) <= MAX_ROWS, (name, parameters, plan)
