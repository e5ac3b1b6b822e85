"""Create translations and their versions; add the locale and the suspension reason of users."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("locale", sa.Text(), nullable=True))
    op.add_column("users", sa.Column("suspension_reason", sa.Text(), nullable=True))
    op.create_table(
        "translations",
        sa.Column("language_code", sa.Text(collation="C"), nullable=False),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('draft', 'approved')", name=op.f("ck_translations_state")),
        sa.CheckConstraint("version > 0", name=op.f("ck_translations_version")),
        sa.ForeignKeyConstraint(
            ["language_code"], ["languages.code"], name=op.f("fk_translations_language_code"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["updated_by"], ["users.id"], name=op.f("fk_translations_updated_by"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("language_code", "key", name=op.f("pk_translations")),
    )
    op.create_index("ix_translations_updated_by", "translations", ["updated_by"])
    op.create_index("ix_translations_language_code_updated_at", "translations", ["language_code", "updated_at"])
    op.create_table(
        "translation_versions",
        sa.Column("language_code", sa.Text(collation="C"), nullable=False),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=True),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["language_code"],
            ["languages.code"],
            name=op.f("fk_translation_versions_language_code"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["changed_by"], ["users.id"], name=op.f("fk_translation_versions_changed_by"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("language_code", "key", "version", name=op.f("pk_translation_versions")),
    )
    op.create_index("ix_translation_versions_changed_by", "translation_versions", ["changed_by"])


def downgrade() -> None:
    op.drop_table("translation_versions")
    op.drop_table("translations")
    op.drop_column("users", "suspension_reason")
    op.drop_column("users", "locale")
