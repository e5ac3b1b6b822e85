"""Number the changes of texts in the order of their commits, keep when members were invited, and fold languages."""

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

NUMBER = """
UPDATE translation_versions v SET sequence = n.sequence
  FROM (SELECT language_code, key, version,
               row_number() OVER (PARTITION BY language_code ORDER BY changed_at, key, version) AS sequence
          FROM translation_versions) n
 WHERE (v.language_code, v.key, v.version) = (n.language_code, n.key, n.version)
"""
# The lock on the language lasts until the end of the transaction: the next number is given after this one is visible.
# A BEFORE trigger for each row sees the rows that the same statement has inserted so far.
FUNCTION = """
CREATE FUNCTION number_translation_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM languages WHERE code = NEW.language_code FOR NO KEY UPDATE;
    NEW.sequence := 1 + coalesce(
        (SELECT max(sequence) FROM translation_versions WHERE language_code = NEW.language_code), 0);
    RETURN NEW;
END
$$
"""
TRIGGER = """
CREATE TRIGGER number_translation_change BEFORE INSERT ON translation_versions
FOR EACH ROW EXECUTE FUNCTION number_translation_change()
"""
FOLD = sa.text("UPDATE languages SET folded = :folded WHERE code = :code")


def upgrade() -> None:
    op.add_column("translation_versions", sa.Column("sequence", sa.BigInteger(), nullable=True))
    op.execute(NUMBER)
    op.alter_column("translation_versions", "sequence", nullable=False)
    op.create_index(
        "ix_translation_versions_language_code_sequence",
        "translation_versions",
        ["language_code", "sequence"],
        unique=True,
    )
    op.execute(FUNCTION)
    op.execute(TRIGGER)
    op.add_column("language_members", sa.Column("invited_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_language_members_language_code_created_at",
        "language_members",
        ["language_code", "created_at", "user_id"],
    )
    op.add_column("languages", sa.Column("folded", sa.Text(collation="C"), nullable=False, server_default=""))
    for language in op.get_bind().execute(sa.text("SELECT code, name, autonym FROM languages")).all():
        op.get_bind().execute(FOLD, {"code": language.code, "folded": _folded("\n".join(language))})


def downgrade() -> None:
    op.drop_column("languages", "folded")
    op.drop_index("ix_language_members_language_code_created_at", table_name="language_members")
    op.drop_column("language_members", "invited_at")
    op.execute("DROP TRIGGER number_translation_change ON translation_versions")
    op.execute("DROP FUNCTION number_translation_change()")
    op.drop_index("ix_translation_versions_language_code_sequence", table_name="translation_versions")
    op.drop_column("translation_versions", "sequence")


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold())
