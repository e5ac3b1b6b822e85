"""Give invitations the user who sent them: what an admin has sent ends when they lose the right to send it."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("keys", sa.Column("invited_by", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("fk_keys_invited_by"), "keys", "users", ["invited_by"], ["id"], ondelete="CASCADE")
    op.create_index("ix_keys_invited_by", "keys", ["invited_by"], postgresql_where=sa.text("invited_by IS NOT NULL"))


def downgrade() -> None:
    op.drop_index("ix_keys_invited_by", table_name="keys")
    op.drop_column("keys", "invited_by")
