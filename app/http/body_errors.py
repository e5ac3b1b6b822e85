"""JSON request bodies, decoded strictly: no coercion, no unknown field, every error told at once."""

import json
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from types import UnionType
from typing import Annotated, TypeGuard, TypeVar, get_args, get_origin

import msgspec
from msgspec import Struct

from app.errors import FieldError, Problem

T = TypeVar("T", bound=Struct)


# The one message of msgspec that repeats what was sent, which may be a secret in the wrong field.
ECHO = re.compile(r"(Invalid (?:enum )?value) .*", re.DOTALL)


NAME_SHOWN_MAX = 100


# More than a form or a full batch can have by honest mistakes; a body of nothing but faults makes no larger answer.
ERRORS_MAX = 1000


# The stable code of each kind of msgspec message, first match first.
MESSAGE_CODES = {
    "length >=": "too_short",
    "length <=": "too_long",
    "matching regex": "invalid",
    "` >= ": "out_of_range",
    "` <= ": "out_of_range",
    "Expected `": "wrong_type",
    "": "invalid",
}


def decode(raw: bytes, wanted: type[T]) -> T:
    """Decode `raw` into `wanted`.

    Raises `Problem`: `malformed_json` for what is not JSON, `validation_failed` with one entry for each unknown,
    missing or unacceptable field, NUL characters and unpaired surrogates included (PostgreSQL stores neither).
    """
    try:
        value = msgspec.json.decode(raw, type=wanted)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem("validation_failed", errors=_all_errors(raw, wanted) or [_unplaced(error)]) from None
    if b"\\u0000" in raw and (errors := _all_errors(raw, wanted)):
        raise Problem("validation_failed", errors=errors)
    return value


def _all_errors(raw: bytes, wanted: type[Struct]) -> list[FieldError]:
    try:
        return list(islice(_errors(_plain(raw), wanted, ""), ERRORS_MAX))
    except RecursionError:
        raise Problem("malformed_json", "The values are nested too deeply.") from None


def _unplaced(error: Exception) -> FieldError:
    return FieldError("", *_code_and_message(str(error)))


def _plain(raw: bytes) -> object:
    """The body as plain values, read by the more lenient decoder: msgspec stops at an unpaired surrogate."""
    try:
        return json.loads(raw.decode(), parse_constant=_no_constant)
    except ValueError:
        raise Problem("malformed_json", "Send one JSON value in UTF-8.") from None


def _no_constant(name: str) -> object:
    raise ValueError(name)


def _errors(value: object, wanted: object, path: str) -> Iterator[FieldError]:
    if _is_struct(wanted):
        yield from _struct_errors(value, wanted, path)
    elif kinds := _structs(wanted):
        yield from _alternative(value, kinds, path)
    elif _is_list_of_structs(wanted):
        yield from _list_errors(value, wanted, path)
    elif _unstorable(value):
        yield FieldError(path, "invalid_character", "Must not contain NUL characters or unpaired surrogates")
    else:
        try:
            msgspec.convert(value, type=wanted)
        except msgspec.ValidationError as error:
            yield FieldError(path, *_code_and_message(str(error)))


def _struct_errors(value: object, wanted: type[Struct], path: str) -> Iterator[FieldError]:
    if not isinstance(value, dict):
        yield FieldError(path, "wrong_type", "Expected an object")
        return
    fields = {field.encode_name: field for field in msgspec.structs.fields(wanted)}
    tag = wanted.__struct_config__.tag_field
    for name in [name for name in value if name not in fields and name != tag]:
        shown = name[:NAME_SHOWN_MAX].encode(errors="replace").decode()
        yield FieldError(_join(path, shown), "unknown_field", "This field is not known here")
    for name, field in fields.items():
        if name in value:
            yield from _errors(value[name], field.type, _join(path, name))
        elif field.required:
            yield FieldError(_join(path, name), "missing", "This field is required")


def _alternative(value: object, kinds: Sequence[type[Struct]], path: str) -> Iterator[FieldError]:
    """Errors of a tagged union: those of the alternative that the tag names."""
    tag_field = kinds[0].__struct_config__.tag_field or ""
    if not isinstance(value, dict):
        yield FieldError(path, "wrong_type", "Expected an object")
        return
    by_tag = {kind.__struct_config__.tag: kind for kind in kinds}
    tag = value.get(tag_field)
    if isinstance(tag, str) and tag in by_tag:
        yield from _struct_errors(value, by_tag[tag], path)
    else:
        code = "invalid" if tag_field in value else "missing"
        yield FieldError(_join(path, tag_field), code, f"One of {', '.join(map(str, by_tag))}")


def _structs(wanted: object) -> tuple[type[Struct], ...]:
    """The Structs of a union of nothing else, or none."""
    kinds = get_args(wanted) if isinstance(wanted, UnionType) else ()
    return kinds if all(map(_is_struct, kinds)) else ()


def _list_errors(value: object, wanted: object, path: str) -> Iterator[FieldError]:
    """The errors of each item, unless the list itself is not acceptable: then it may be too long to tell them all."""
    kind, limits = _without_limits(wanted)
    try:
        items = msgspec.convert(value, type=Annotated[(list[object], *limits)] if limits else list[object])
    except msgspec.ValidationError as error:
        yield FieldError(path, *_code_and_message(str(error)))
        return
    for index, item in enumerate(items):
        yield from _errors(item, get_args(kind)[0], _join(path, str(index)))


def _is_list_of_structs(wanted: object) -> bool:
    kind, _ = _without_limits(wanted)
    return get_origin(kind) is list and _is_struct(get_args(kind)[0])


def _without_limits(wanted: object) -> tuple[object, tuple[object, ...]]:
    """An annotated type as the type and its annotations."""
    if get_origin(wanted) is not Annotated:
        return wanted, ()
    kind, *limits = get_args(wanted)
    return kind, tuple(limits)


def _is_struct(wanted: object) -> TypeGuard[type[Struct]]:
    return isinstance(wanted, type) and issubclass(wanted, Struct)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _unstorable(value: object) -> bool:
    if isinstance(value, str):
        return "\0" in value or any("\ud800" <= character <= "\udfff" for character in value)
    if isinstance(value, dict):
        return any(_unstorable(part) for item in value.items() for part in item)
    return isinstance(value, list) and any(map(_unstorable, value))


def _code_and_message(text: str) -> tuple[str, str]:
    message = ECHO.sub(r"\1", text.split(" - at `", 1)[0])
    code = next(code for part, code in MESSAGE_CODES.items() if part in message)
    return code, message.replace("`", "")
