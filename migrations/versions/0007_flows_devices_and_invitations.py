"""Give keys the flow that asked for them, and invitations their language; say since when devices of users count."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

LIVE = "kind = 'single_use' AND used_at IS NULL"


def upgrade() -> None:
    op.add_column("users", sa.Column("devices_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("keys", sa.Column("flow_hash", sa.Text(), nullable=True))
    op.add_column("keys", sa.Column("asked_by", sa.Text(), nullable=True))
    op.add_column("keys", sa.Column("language_code", sa.Text(collation="C"), nullable=True))
    op.create_foreign_key(
        op.f("fk_keys_language_code"), "keys", "languages", ["language_code"], ["code"], ondelete="CASCADE"
    )
    op.create_check_constraint(op.f("ck_keys_asked_by"), "keys", "asked_by IN ('device', 'stranger')")
    op.create_index(
        "ix_keys_language_code", "keys", ["language_code"], postgresql_where=sa.text("language_code IS NOT NULL")
    )
    op.drop_index("uq_keys_address_purpose_live", table_name="keys")
    op.create_index(
        "ix_keys_address_purpose_created_at",
        "keys",
        ["address", "purpose", "created_at"],
        postgresql_where=sa.text("kind = 'single_use'"),
    )
    op.create_index(
        "uq_keys_address_purpose_flow_live",
        "keys",
        ["address", "purpose", "flow_hash"],
        unique=True,
        postgresql_where=sa.text(f"{LIVE} AND flow_hash IS NOT NULL"),
    )
    op.create_index(
        "uq_keys_invitation_live",
        "keys",
        ["address", "language_code"],
        unique=True,
        postgresql_where=sa.text(f"{LIVE} AND purpose = 'invitation'"),
        postgresql_nulls_not_distinct=True,
    )


def downgrade() -> None:
    op.drop_index("uq_keys_invitation_live", table_name="keys")
    op.drop_index("uq_keys_address_purpose_flow_live", table_name="keys")
    op.drop_index("ix_keys_address_purpose_created_at", table_name="keys")
    op.execute(
        "DELETE FROM keys WHERE kind = 'single_use' AND used_at IS NULL AND EXISTS ("
        "SELECT FROM keys later WHERE later.kind = 'single_use' AND later.used_at IS NULL AND later.id > keys.id "
        "AND later.address = keys.address AND later.purpose = keys.purpose)"
    )
    op.create_index(
        "uq_keys_address_purpose_live", "keys", ["address", "purpose"], unique=True, postgresql_where=sa.text(LIVE)
    )
    op.drop_index("ix_keys_language_code", table_name="keys")
    op.drop_column("keys", "language_code")
    op.drop_column("keys", "asked_by")
    op.drop_column("keys", "flow_hash")
    op.drop_column("users", "devices_since")
