"""Rows of the database as Structs, by the names of their columns."""

from typing import TypeVar

import asyncpg
from msgspec import Struct

T = TypeVar("T", bound=Struct)


def to_struct(kind: type[T], row: object, **computed: object) -> T:
    """A Struct with the values of a row, each taken by name, and with `computed` for the fields that no column has.

    `row` is an asyncpg record, whose columns must all be fields, or an ORM object or SQLAlchemy row, of which the
    fields alone are read. The database's constraints hold the types of the values: they are not checked again.
    """
    if isinstance(row, asyncpg.Record):
        return kind(**row, **computed)
    values = {name: getattr(row, name) for name in kind.__struct_fields__ if name not in computed}
    return kind(**values, **computed)
