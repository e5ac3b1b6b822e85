"""Create users, keys, sessions, languages and language members."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "languages",
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("autonym", sa.Text(), nullable=False),
        sa.Column("text_direction", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("text_direction IN ('ltr', 'rtl')", name=op.f("ck_languages_text_direction")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_languages")),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("platform_role", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("onboarded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("phone ~ '^\\+[1-9][0-9]{1,14}$'", name=op.f("ck_users_phone_e164")),
        sa.CheckConstraint("platform_role IN ('admin')", name=op.f("ck_users_platform_role")),
        sa.CheckConstraint("status IN ('active', 'suspended')", name=op.f("ck_users_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
    )
    op.create_index(
        "ix_users_platform_role",
        "users",
        ["platform_role"],
        unique=False,
        postgresql_where=sa.text("platform_role IS NOT NULL"),
    )
    op.create_table(
        "keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("identifier", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column(
            "payload",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("attempts_left", sa.SmallInteger(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind <> 'primary' OR (user_id IS NOT NULL AND purpose IS NULL AND address IS NULL AND expires_at IS NULL)",
            name=op.f("ck_keys_primary_shape"),
        ),
        sa.CheckConstraint(
            "kind <> 'single_use' OR (purpose IS NOT NULL AND address IS NOT NULL AND expires_at IS NOT NULL)",
            name=op.f("ck_keys_single_use_shape"),
        ),
        sa.CheckConstraint("kind IN ('primary', 'single_use')", name=op.f("ck_keys_kind")),
        sa.CheckConstraint("attempts_left >= 0", name=op.f("ck_keys_attempts_left")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_keys_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keys")),
        sa.UniqueConstraint("provider", "identifier", name=op.f("uq_keys_provider_identifier")),
    )
    op.create_index("ix_keys_user_id", "keys", ["user_id"], unique=False)
    op.create_index(
        "uq_keys_address_purpose_live",
        "keys",
        ["address", "purpose"],
        unique=True,
        postgresql_where=sa.text("kind = 'single_use' AND used_at IS NULL"),
    )
    op.create_index(
        "uq_keys_user_id_primary",
        "keys",
        ["user_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'primary'"),
    )
    op.create_table(
        "language_members",
        sa.Column("language_code", sa.Text(collation="C"), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'::text[]"), nullable=False),
        sa.Column("invited_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("roles <@ ARRAY['admin', 'translator']", name=op.f("ck_language_members_roles")),
        sa.ForeignKeyConstraint(
            ["invited_by"], ["users.id"], name=op.f("fk_language_members_invited_by"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["language_code"],
            ["languages.code"],
            name=op.f("fk_language_members_language_code"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_language_members_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("language_code", "user_id", name=op.f("pk_language_members")),
    )
    op.create_index("ix_language_members_invited_by", "language_members", ["invited_by"], unique=False)
    op.create_index("ix_language_members_user_id", "language_members", ["user_id"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("authenticated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("idle_expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ip", sa.Text(), nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.CheckConstraint("idle_expires_at <= expires_at", name=op.f("ck_sessions_idle_within_absolute")),
        sa.CheckConstraint("octet_length(token_hash) = 32", name=op.f("ck_sessions_token_hash_sha256")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sessions_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sessions_token_hash")),
    )
    op.create_index("ix_sessions_idle_expires_at", "sessions", ["idle_expires_at"], unique=False)
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"], unique=False)


def downgrade() -> None:
    for table in ("sessions", "language_members", "keys", "users", "languages"):
        op.drop_table(table)
