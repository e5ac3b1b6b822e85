"""Alembic's environment. Migrations run on the connection and in the transaction of the caller (DDL of PostgreSQL is
transactional). A migration waits 4 s at most for a lock that live traffic holds."""

from alembic import context
from sqlalchemy import Connection

from app.asgi import TABLES

LOCK_TIMEOUT = "4s"

connection: Connection = context.config.attributes["connection"]
connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
context.configure(
    connection=connection,
    target_metadata=TABLES,
    compare_type=True,
    compare_server_default=True,
    transaction_per_migration=False,
)
context.run_migrations()
