"""The SQL of writing one text against which nothing stands, in one statement.

It leaves the rows that `lock_language` and `TranslationRepository` leave in a transaction, as a test compares, or none.
"""

from collections.abc import Collection
from datetime import datetime

import asyncpg

from app.domain.languages.access import Grounds
from app.domain.languages.translations.schemas import BatchItem, TranslationView
from app.postgres.database import Database
from app.postgres.rows import to_struct

# The statement locks the rows that `lock_language` locks, in the same order: each part depends on the part before it.
# It may wait for the locks while other writers commit. A row that it locks or updates is read again then (READ
# COMMITTED), and drops out if it has been deleted or the condition does not hold any more: so it is with the language,
# the user, the membership and the text to replace. All other rows are read as they were when the statement began. From
# these comes only the version of a new text; if the key has had another version since, the primary key of
# `translation_versions` refuses this one. The trigger that numbers changes reads anew, with the language locked.
PERMITTED = """
WITH language AS MATERIALIZED (
    SELECT code FROM languages WHERE code = $1 FOR NO KEY UPDATE
), author AS MATERIALIZED (
    SELECT u.id FROM language CROSS JOIN users u
     WHERE u.id = $2 AND u.status = 'active' AND u.onboarded_at IS NOT NULL AND u.platform_role IS NOT DISTINCT FROM $3
       FOR SHARE OF u
), permitted AS MATERIALIZED (
    SELECT m.language_code, m.user_id FROM author JOIN language_members m ON m.user_id = author.id
     WHERE m.language_code = $1 AND m.roles = $4
       FOR SHARE OF m
)"""
REPLACE = """, written AS (
    UPDATE translations t
       SET text = $6, state = $7, version = t.version + 1, updated_by = permitted.user_id, updated_at = $8
      FROM permitted
     WHERE t.language_code = permitted.language_code AND t.key = $5 AND t.version::text = ANY($9)
       AND (t.text <> $6 OR t.state <> $7)
    RETURNING t.*
)"""
CREATE = """, written AS (
    INSERT INTO translations (language_code, key, text, state, version, updated_by, updated_at)
    SELECT language_code, $5, $6, $7,
           1 + coalesce((SELECT max(version) FROM translation_versions WHERE language_code = $1 AND key = $5),
                        (SELECT last_version FROM deleted_languages WHERE code = $1), 0),
           user_id, $8
      FROM permitted
    ON CONFLICT DO NOTHING
    RETURNING *
)"""
APPENDED = """, appended AS (
    INSERT INTO translation_versions (language_code, key, version, text, state, changed_by, changed_at)
    SELECT language_code, key, version, text, state, updated_by, updated_at FROM written
)
SELECT * FROM written
"""
REPLACE_PLAINLY = PERMITTED + REPLACE + APPENDED
CREATE_PLAINLY = PERMITTED + CREATE + APPENDED


async def write_plainly(
    database: Database, grounds: Grounds, code: str, item: BatchItem, replaced: Collection[str] | None, now: datetime
) -> TranslationView | None:
    """Write one text over a version in `replaced`, or as a new one if that is None.

    None if the right no longer has these grounds, if the language or the version is not there, if the key is taken, if
    the text is stored already, or if many writes wait for locks: nothing is written then.
    """
    if database.waiting_writes.locked():
        return None
    statement, versions = (CREATE_PLAINLY, ()) if replaced is None else (REPLACE_PLAINLY, ([*replaced],))
    try:
        async with database.waiting_writes:
            row = await database.pool.fetchrow(
                statement,
                code, grounds.user_id, grounds.platform_role, grounds.roles,
                item.key, item.text, item.state, now, *versions,
            )  # fmt: skip
    except asyncpg.UniqueViolationError:
        return None
    return to_struct(TranslationView, row) if row else None
