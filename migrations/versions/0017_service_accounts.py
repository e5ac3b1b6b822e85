"""Service accounts and their API keys, and which key has caused an audit event."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

SERVICE_SHAPE = "kind <> 'service' OR (email = '' AND platform_role IS NULL AND email_verified_at IS NULL)"
API_SHAPE = (
    "kind <> 'api' OR (user_id IS NOT NULL AND name IS NOT NULL AND expires_at IS NOT NULL AND secret_hash IS NULL "
    "AND purpose IS NULL AND address IS NULL)"
)
# The triggers of migration 0014 tell of primary keys alone. Of a new API key nobody keeps anything yet.
PRIMARY = "'primary'"
PRIMARY_AND_API = "'primary', 'api'"


def upgrade() -> None:
    op.add_column("users", sa.Column("kind", sa.Text(), nullable=False, server_default="person"))
    op.create_check_constraint(op.f("ck_users_kind"), "users", "kind IN ('person', 'service')")
    op.create_check_constraint(op.f("ck_users_service_shape"), "users", SERVICE_SHAPE)
    op.create_index("ix_users_id_service", "users", ["id"], postgresql_where=sa.text("kind = 'service'"))
    op.add_column("keys", sa.Column("name", sa.Text(), nullable=True))
    op.drop_constraint(op.f("ck_keys_kind"), "keys")
    op.create_check_constraint(op.f("ck_keys_kind"), "keys", "kind IN ('primary', 'single_use', 'api')")
    op.create_check_constraint(op.f("ck_keys_api_shape"), "keys", API_SHAPE)
    op.add_column("audit_events", sa.Column("key_id", sa.Uuid(), nullable=True))
    _notify_of(PRIMARY_AND_API)


def downgrade() -> None:
    _notify_of(PRIMARY)
    op.drop_column("audit_events", "key_id")
    op.execute("DELETE FROM users WHERE kind = 'service'")
    op.drop_constraint(op.f("ck_keys_api_shape"), "keys")
    op.drop_constraint(op.f("ck_keys_kind"), "keys")
    op.create_check_constraint(op.f("ck_keys_kind"), "keys", "kind IN ('primary', 'single_use')")
    op.drop_column("keys", "name")
    op.drop_index("ix_users_id_service", table_name="users")
    op.drop_constraint(op.f("ck_users_service_shape"), "users")
    op.drop_constraint(op.f("ck_users_kind"), "users")
    op.drop_column("users", "kind")


def _notify_of(kinds: str) -> None:
    """Let changes of keys of these kinds notify, but for the time of their last use."""
    unseen = "'{last_used_at}'::text[]"
    changed = f"to_jsonb(OLD) - {unseen} IS DISTINCT FROM to_jsonb(NEW) - {unseen}"
    conditions = {
        "update": f"(OLD.kind IN ({kinds}) OR NEW.kind IN ({kinds})) AND {changed}",
        "delete": f"OLD.kind IN ({kinds})",
    }
    for event, condition in conditions.items():
        op.execute(f"DROP TRIGGER notify_{event} ON keys")
        op.execute(
            f"CREATE TRIGGER notify_{event} AFTER {event.upper()} ON keys "
            f"FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION notify_change('user', 'user_id')"
        )
