"""The base of every table, and the ids of its rows."""

from datetime import datetime
from typing import ClassVar, cast
from uuid import UUID

from advanced_alchemy.base import CommonTableAttributes
from sqlalchemy import DateTime, MetaData, Table, Uuid
from sqlalchemy.orm import DeclarativeBase
from uuid_utils.compat import uuid7

NAMING_CONVENTION = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}


class Base(CommonTableAttributes, DeclarativeBase):
    """The base of every table: named constraints, `timestamptz` for every datetime, native UUIDs."""

    __abstract__ = True
    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map: ClassVar[dict[object, object]] = {datetime: DateTime(timezone=True), UUID: Uuid()}


def table_of(model: type[Base]) -> Table:
    """The table of a model, for the statements of sign-in.

    They are written on tables and made once, because building a statement, and the ORM's share of running it, each cost
    more than the statement itself.
    """
    return cast("Table", model.__table__)


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562): a name in time order, never a secret (OWASP ASVS 5.0, 11.5.1)."""
    return uuid7()


def sql_list(names: tuple[str, ...]) -> str:
    """The names as SQL literals separated by commas, for a CHECK constraint."""
    return ", ".join(f"'{name}'" for name in names)
