"""Keep the last numbers of deleted languages, so that one with the same code goes on counting."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

NUMBER_FUNCTION = """
CREATE OR REPLACE FUNCTION number_translation_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM languages WHERE code = NEW.language_code FOR NO KEY UPDATE;
    NEW.sequence := 1 + coalesce(
        (SELECT max(sequence) FROM translation_versions WHERE language_code = NEW.language_code), {before}0);
    RETURN NEW;
END
$$
"""
BEFORE = "(SELECT last_sequence FROM deleted_languages WHERE code = NEW.language_code), "
# It is a trigger, because plain SQL deletes languages too. The row is locked when the trigger runs, so that no change
# is under way; those of the language are still there.
KEEP_FUNCTION = """
CREATE FUNCTION keep_numbers_of_language() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO deleted_languages AS kept (code, last_sequence, last_version)
    SELECT OLD.code, max(sequence), max(version) FROM translation_versions WHERE language_code = OLD.code
    HAVING count(*) > 0
    ON CONFLICT (code) DO UPDATE SET last_sequence = excluded.last_sequence, last_version = excluded.last_version;
    RETURN OLD;
END
$$
"""
KEEP_TRIGGER = """
CREATE TRIGGER keep_numbers_of_language BEFORE DELETE ON languages
FOR EACH ROW EXECUTE FUNCTION keep_numbers_of_language()
"""


def upgrade() -> None:
    op.create_table(
        "deleted_languages",
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("last_sequence", sa.BigInteger(), nullable=False),
        sa.Column("last_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_deleted_languages")),
    )
    op.execute(NUMBER_FUNCTION.format(before=BEFORE))
    op.execute(KEEP_FUNCTION)
    op.execute(KEEP_TRIGGER)


def downgrade() -> None:
    op.execute("DROP TRIGGER keep_numbers_of_language ON languages")
    op.execute("DROP FUNCTION keep_numbers_of_language()")
    op.execute(NUMBER_FUNCTION.format(before=""))
    op.drop_table("deleted_languages")
