"""The values of a rule as values of a column: what equality with a row's attribute means for each type of column.

An attribute is the JSON form of what asyncpg reads, and equality is type-strict. A value that no row can have is left
out; where it could only be a mistake, the rule is refused.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import (
    ARRAY,
    JSON,
    TEXT,
    VARCHAR,
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Double,
    Enum,
    Float,
    Integer,
    Numeric,
    String,
    Text,
    Unicode,
    UnicodeText,
    Uuid,
)
from sqlalchemy.types import TypeEngine

from app.ability.js_values import Scalar

# Compared by exact type: citext and char(n) are subclasses of String, but do not compare like text.
TEXT_TYPES: Final = frozenset({String, Text, VARCHAR, TEXT, Unicode, UnicodeText})

_TIMES: Final = {
    (DateTime, True): (Annotated[datetime, msgspec.Meta(tz=True)], "2026-01-31T12:00:00Z"),
    (DateTime, False): (Annotated[datetime, msgspec.Meta(tz=False)], "2026-01-31T12:00:00"),
    (Date, False): (date, "2026-01-31"),
}

# What to do about a column of another type; the first that fits.
_ADVICE: Final[Sequence[tuple[type[TypeEngine[Any]], str]]] = (
    (ARRAY, "write this condition by hand, such as column.any(value)"),
    (JSON, "map a value in it, such as column['key'].as_string()"),
    (String, "map cast(column, Text), or column.collate('C')"),
    (Numeric, "declare it with asdecimal=False"),
    (TypeEngine, "map an expression of one of these types"),
)


class NotExpressible(Exception):  # noqa: N818 - the name says what is wrong, as InvalidRule does
    """The rules have no equivalent in the requested form. No part of a rule is ever left out instead."""


def parameters_of(
    path: str, column_type: TypeEngine[Any], values: Sequence[Scalar]
) -> tuple[list[object], TypeEngine[Any]]:
    """The query parameters for those values that a column of this type can equal, and the type of the parameters.

    Raises NotExpressible, with the `path` of the condition, for a column of another type, and as `time_of`.
    """
    if isinstance(column_type, Boolean):
        return [value for value in values if isinstance(value, bool)], Boolean()
    if isinstance(column_type, Enum):
        return [member for value in values for member in _members_of(column_type, value)], column_type
    if isinstance(column_type, Integer) or is_number(column_type):
        return _numbers_of(column_type, values)
    texts = [value for value in values if isinstance(value, str)]
    if isinstance(column_type, Uuid):
        return [UUID(text) for text in texts if _is_canonical_uuid(text)], Uuid()
    if isinstance(column_type, DateTime | Date):
        return [time_of(path, column_type, text) for text in texts], column_type
    if type(column_type) in TEXT_TYPES and getattr(column_type, "collation", None) in {None, "C"}:
        return [text for text in texts if is_storable(text)], Text()
    advice = next(advice for kind, advice in _ADVICE if isinstance(column_type, kind))
    raise NotExpressible(
        f"conditions.{path}: {column_type!r} is not text, number, boolean, UUID, timestamp, date or enum; {advice}"
    )


def time_of(path: str, column_type: DateTime | Date, text: str) -> Any:  # noqa: ANN401 # in the type of the column
    """The timestamp or date whose JSON form in a row of this column is `text`.

    Raises NotExpressible for every other text. No row equals it, so the rule would grant or deny nothing in silence,
    and in an order of text it does not stand where its time stands.
    """
    aware = isinstance(column_type, DateTime) and column_type.timezone
    kind, form = _TIMES[Date if isinstance(column_type, Date) else DateTime, aware]
    try:
        time: Any = msgspec.convert(text, kind)
        # asyncpg reads timestamps with a time zone in UTC.
        canonical = msgspec.to_builtins(time.astimezone(UTC) if aware else time)
    except (msgspec.ValidationError, OverflowError):
        canonical, time = None, None
    if canonical != text:
        raise NotExpressible(f"conditions.{path}: {text!r} equals no row; a value of the column is written as {form}")
    return time


def is_number(column_type: TypeEngine[Any]) -> bool:
    """Whether the JSON form of the column is a number. That of a Decimal is text, which no number in a rule equals."""
    return isinstance(column_type, Integer | Float) or (isinstance(column_type, Numeric) and not column_type.asdecimal)


def is_storable(text: str) -> bool:
    """Whether a Postgres text can contain these characters: neither NUL nor unpaired surrogates."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _numbers_of(column_type: TypeEngine[Any], values: Sequence[Scalar]) -> tuple[list[object], TypeEngine[Any]]:
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if isinstance(column_type, Integer):
        return [int(number) for number in numbers if number == int(number)], BigInteger()
    return [float(number) for number in numbers], Double()


def _members_of(column_type: Enum, value: Scalar) -> list[object]:
    """The members of the enum whose JSON form is `value`: one or none."""
    members: Sequence[object] = [*(column_type.enum_class or column_type.enums)]
    forms = [(member, msgspec.to_builtins(member)) for member in members]
    return [member for member, form in forms if form == value and form.__class__ is value.__class__]


def _is_canonical_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
