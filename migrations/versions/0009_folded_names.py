"""Keep the names of users and languages in NFC, and the folded forms by which users are searched."""

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

BATCH = 5000

READ = sa.text("SELECT id, email, name FROM users WHERE id > :after ORDER BY id LIMIT :batch")
WRITE = sa.text(
    "UPDATE users SET name = new.name, folded_name = new.folded_name, folded_email = new.folded_email "
    "FROM unnest(CAST(:ids AS uuid[]), CAST(:names AS text[]), CAST(:folded_names AS text[]), "
    "CAST(:folded_emails AS text[])) AS new (id, name, folded_name, folded_email) WHERE users.id = new.id"
)
LANGUAGE = sa.text("UPDATE languages SET name = :name, autonym = :autonym WHERE code = :code")


def upgrade() -> None:
    for name in ("folded_name", "folded_email"):
        op.add_column("users", sa.Column(name, sa.Text(collation="C"), nullable=False, server_default=""))
    _fold_users()
    for language in op.get_bind().execute(sa.text("SELECT code, name, autonym FROM languages")).all():
        normal = {"name": _nfc(language.name), "autonym": _nfc(language.autonym)}
        if normal != {"name": language.name, "autonym": language.autonym}:
            op.get_bind().execute(LANGUAGE, {"code": language.code, **normal})


def downgrade() -> None:
    op.drop_column("users", "folded_email")
    op.drop_column("users", "folded_name")


def _fold_users() -> None:
    after = "00000000-0000-0000-0000-000000000000"
    while users := op.get_bind().execute(READ, {"after": after, "batch": BATCH}).all():
        op.get_bind().execute(
            WRITE,
            {
                "ids": [user.id for user in users],
                "names": [_nfc(user.name) for user in users],
                "folded_names": [_folded(user.name) for user in users],
                "folded_emails": [_folded(user.email) for user in users],
            },
        )
        after = users[-1].id


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _folded(text: str) -> str:
    return _nfc(unicodedata.normalize("NFD", text).casefold())
