"""Keep why keys have ended, and find ended sessions and dead jobs by their ids."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# A voided key has the time of its creation as `used_at`.
ENDED = """
UPDATE keys SET end_reason = CASE WHEN used_at = created_at THEN 'voided' ELSE 'used' END
 WHERE kind = 'single_use' AND used_at IS NOT NULL
"""


def upgrade() -> None:
    op.add_column("keys", sa.Column("end_reason", sa.Text(), nullable=True))
    op.create_check_constraint(op.f("ck_keys_end_reason"), "keys", "end_reason IN ('used', 'voided')")
    op.execute(ENDED)
    op.create_index("ix_ended_sessions_session_id", "ended_sessions", ["session_id"])
    op.create_index("ix_jobs_id_dead", "jobs", ["id"], postgresql_where=sa.text("state = 'dead'"))


def downgrade() -> None:
    op.drop_index("ix_jobs_id_dead", table_name="jobs")
    op.drop_index("ix_ended_sessions_session_id", table_name="ended_sessions")
    op.drop_column("keys", "end_reason")
