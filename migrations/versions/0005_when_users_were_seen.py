"""Add the time when users were last seen; index users for their list."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True))
    # The members list shows the names of users who were seen: names that are shown today stay shown.
    op.execute("UPDATE users SET last_seen_at = now() WHERE onboarded_at IS NOT NULL")
    op.create_index(op.f("ix_users_created_at_id"), "users", ["created_at", "id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_users_created_at_id"), table_name="users")
    op.drop_column("users", "last_seen_at")
