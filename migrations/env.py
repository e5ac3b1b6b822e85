"""Alembic's environment: runs on the connection it is given, in that connection's transaction (PostgreSQL's DDL is
transactional), and never waits long for a lock that live traffic holds."""

from importlib import import_module
from pkgutil import walk_packages

from alembic import context
from sqlalchemy import Connection

from app import domain
from app.postgres.base import Base

LOCK_TIMEOUT = "4s"

# Every table that the models declare must be known here, or it would be taken for one to drop.
for module in walk_packages(domain.__path__, f"{domain.__name__}."):
    if module.name.endswith(".models"):
        import_module(module.name)
import_module("app.rate_limits")
import_module("app.audit")

connection: Connection = context.config.attributes["connection"]
connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    compare_type=True,
    compare_server_default=True,
    transaction_per_migration=False,
)
context.run_migrations()
