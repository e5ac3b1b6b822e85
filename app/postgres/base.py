"""The base class of all tables, and the ids of rows."""

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
    """The base class of all tables: named constraints, `timestamptz` for datetimes, native UUIDs."""

    __abstract__ = True
    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map: ClassVar[dict[object, object]] = {datetime: DateTime(timezone=True), UUID: Uuid()}


def table_of(model: type[Base]) -> Table:
    """The table of a model, for statements that are built once and run without the ORM.

    Sign-in uses such statements: to build a statement, and to run it through the ORM, each take longer than the
    statement itself.
    """
    return cast("Table", model.__table__)


def new_id() -> UUID:
    """A new UUIDv7 (RFC 9562 section 5.7), so that ids sort by time.

    An id identifies a row and is never used as a secret (OWASP ASVS 5.0, 11.5.1).
    """
    return uuid7()


def sql_list(names: tuple[str, ...]) -> str:
    """The names as SQL literals separated by commas, for a CHECK constraint."""
    return ", ".join(f"'{name}'" for name in names)
