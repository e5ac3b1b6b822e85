"""Notify listeners of each change of a row that processes keep in memory: see app/domain/sessions/principal_cache.py.

A notification is "user ID", "language CODE", or "all" after TRUNCATE. The triggers say nothing of the columns that
change while a session is only used, except of an idle limit that moves back, and nothing of new sessions and
languages, which nobody keeps yet.
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# A membership that moves to another user concerns both. PostgreSQL sends equal notifications of a transaction once.
NOTIFY = """
CREATE FUNCTION notify_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        PERFORM pg_notify('ostiary_changes', 'all');
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        PERFORM pg_notify('ostiary_changes', TG_ARGV[0] || ' ' || (to_jsonb(OLD) ->> TG_ARGV[1]));
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM pg_notify('ostiary_changes', TG_ARGV[0] || ' ' || (to_jsonb(NEW) ->> TG_ARGV[1]));
    END IF;
    RETURN NULL;
END
$$
"""

# Each table with the arguments of its triggers: what the rows are about, and the column that names it.
ABOUT = {
    "users": "'user', 'id'",
    "sessions": "'user', 'user_id'",
    "keys": "'user', 'user_id'",
    "language_members": "'user', 'user_id'",
    "languages": "'language', 'code'",
}
# The columns that an update of each table may change without a notification.
UNSEEN = {
    "users": "last_seen_at, devices_since",
    "sessions": "last_seen_at, idle_expires_at",
    "keys": "last_used_at",
    "language_members": "",
    "languages": "",
}
# An idle limit that moves back ends the session earlier than processes expect that keep it.
EARLIER = {"sessions": "NEW.idle_expires_at < OLD.idle_expires_at OR "}
# Single-use keys are no part of what is kept.
ONLY_PRIMARY = {"INSERT": "WHEN (NEW.kind = 'primary')", "DELETE": "WHEN (OLD.kind = 'primary')"}


def upgrade() -> None:
    op.execute(NOTIFY)
    for table, about in ABOUT.items():
        only = ONLY_PRIMARY if table == "keys" else {}
        unseen = f"'{{{UNSEEN[table]}}}'::text[]"
        changed = f"{EARLIER.get(table, '')}to_jsonb(OLD) - {unseen} IS DISTINCT FROM to_jsonb(NEW) - {unseen}"
        both = "(OLD.kind = 'primary' OR NEW.kind = 'primary') AND " if table == "keys" else ""
        inserts = {"INSERT": only.get("INSERT", "")} if table in ("keys", "language_members") else {}
        conditions = {**inserts, "UPDATE": f"WHEN ({both}{changed})", "DELETE": only.get("DELETE", "")}
        for event, condition in conditions.items():
            op.execute(
                f"CREATE TRIGGER notify_{event.lower()} AFTER {event} ON {table} "
                f"FOR EACH ROW {condition} EXECUTE FUNCTION notify_change({about})"
            )
        op.execute(f"CREATE TRIGGER notify_truncate AFTER TRUNCATE ON {table} EXECUTE FUNCTION notify_change()")


def downgrade() -> None:
    for table in ABOUT:
        for event in ("insert", "update", "delete", "truncate"):
            op.execute(f"DROP TRIGGER IF EXISTS notify_{event} ON {table}")
    op.execute("DROP FUNCTION notify_change()")
