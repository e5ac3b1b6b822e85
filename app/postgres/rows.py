"""Structs from database rows, matched by name and never by position."""

from collections.abc import Callable
from functools import cache
from operator import attrgetter, itemgetter
from typing import Any, TypeVar

import asyncpg
from msgspec import Struct
from sqlalchemy import Row

from app.postgres.base import Base

S = TypeVar("S", bound=Struct)


def to_struct(kind: type[S], row: asyncpg.Record | Row[*tuple[Any, ...]] | Base | Struct, /, **computed: object) -> S:
    """Make a `kind` from a row. Each field is the column, or the attribute of an ORM object or
    another struct, with the field's name.

    A value in `computed` takes precedence over the column. Values are neither converted nor validated. Columns
    without a field are ignored, so that several structs can be made from one row of a join. A field without a column
    and without a computed value is an error, even if the field has a default: a column that is missing from the
    statement never turns into a default value.

    Raises `TypeError` for a computed value without a field, and for a field whose name no column or more than one
    column has. Raises `AttributeError` for a missing attribute of an ORM object.
    """
    if isinstance(row, asyncpg.Record):
        columns = tuple(row.keys())
    elif isinstance(row, Row):
        columns = row._fields
        if len(columns) != len(row):  # SQLAlchemy leaves columns without a name out of `_fields`
            raise TypeError(f"{kind.__name__}: a column of the row has no name")
    elif not computed:
        return kind(*_attributes(kind)(row))
    else:
        names, read = _other_attributes(kind, tuple(computed))
        return kind(**dict(zip(names, read(row), strict=True)), **computed)
    if not computed:
        return kind(*_picker(kind, columns, ())(row))
    return kind(*_picker(kind, columns, tuple(computed))((*computed.values(), *row)))


def _attributes(kind: type[Struct]) -> Callable[[object], tuple[object, ...]]:
    """A function that reads the attributes that `kind` has fields for, in their order."""
    return _other_attributes(kind, ())[1]


@cache
def _other_attributes(
    kind: type[Struct], computed: tuple[str, ...]
) -> tuple[tuple[str, ...], Callable[[object], tuple[object, ...]]]:
    """The fields of `kind` that are not computed, and a function that reads them as attributes."""
    names = tuple(name for name in kind.__struct_fields__ if name not in computed)
    if len(names) == 1:  # `attrgetter` returns a single attribute outside of a tuple
        return names, lambda row: (getattr(row, names[0]),)
    return names, attrgetter(*names) if names else lambda _: ()


@cache
def _picker(
    kind: type[Struct], columns: tuple[str, ...], computed: tuple[str, ...]
) -> Callable[[Any], tuple[object, ...]]:
    """A function that picks the fields of `kind`, in their order, from the values of `columns` and `computed`.

    Cached, so that the names of a statement's columns are checked once: rows are read on every authorised request.
    """
    fields = kind.__struct_fields__
    if unknown := set(computed).difference(fields):
        raise TypeError(f"{kind.__name__} has no field {', '.join(sorted(unknown))}")
    for name in fields:
        if name not in computed and columns.count(name) != 1:
            raise TypeError(f"{kind.__name__}.{name}: the row has {columns.count(name)} columns of this name, not one")
    names = (*computed, *columns)
    positions = [names.index(name) for name in fields]
    if len(positions) == 1:  # `itemgetter` gives a single item outside of a tuple
        return lambda values: (values[positions[0]],)
    return itemgetter(*positions)
