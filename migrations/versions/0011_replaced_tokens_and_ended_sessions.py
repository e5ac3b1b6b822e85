"""Keep the token that a renewal has replaced for the requests already under way, and why sessions have ended."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sessions", sa.Column("previous_token_hash", sa.LargeBinary(), nullable=True))
    op.add_column("sessions", sa.Column("previous_authenticated_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("sessions", sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "uq_sessions_previous_token_hash",
        "sessions",
        ["previous_token_hash"],
        unique=True,
        postgresql_where=sa.text("previous_token_hash IS NOT NULL"),
    )
    op.create_table(
        "ended_sessions",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_ended_sessions")),
    )
    op.create_index("ix_ended_sessions_ended_at", "ended_sessions", ["ended_at"])


def downgrade() -> None:
    op.drop_table("ended_sessions")
    op.drop_index("uq_sessions_previous_token_hash", table_name="sessions")
    op.drop_column("sessions", "replaced_at")
    op.drop_column("sessions", "previous_authenticated_at")
    op.drop_column("sessions", "previous_token_hash")
