"""All errors of a refused JSON body, each with its path; msgspec reports only the first."""

import json
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from types import UnionType
from typing import Annotated, TypeGuard, get_args, get_origin

import msgspec
from msgspec import Meta, Struct

from app.errors import FieldError, Problem

# The only message of msgspec that repeats a value, which may be a secret in the wrong field.
INVALID_VALUE = re.compile(r"(Invalid (?:enum )?value) .*", re.DOTALL)

SHOWN_NAME_MAX = 100

# Bounds the answer; real forms and batches have fewer errors.
ERRORS_MAX = 1000

# The stable code of each kind of msgspec message, first match first, and the parameter that its number is.
MESSAGE_CODES = {
    "`array` of length >=": ("too_short", "minItems"),
    "`array` of length <=": ("too_long", "maxItems"),
    "length >=": ("too_short", "min"),
    "length <=": ("too_long", "max"),
    "` >= ": ("out_of_range", "min"),
    "` <= ": ("out_of_range", "max"),
    "Expected `": ("wrong_type", ""),
    "": ("invalid", ""),
}
LIMIT = re.compile(r"[<>]= (-?\d+)$")
# Messages that repeat no value.
BEYOND_LIMIT = re.compile(r"Expected `\w+` (?:of length )?[<>]= -?\d+")
PATTERN = "matching regex"
NOT_IN_FORM = "Not in the form of this field"


def errors_in(raw: bytes, wanted: type[Struct]) -> list[FieldError]:
    """The errors of the body `raw` as a `wanted`, at most `ERRORS_MAX`; empty if no part of the body has an error.

    Raises `Problem` `malformed_json` for bytes that are not one JSON value in UTF-8.
    """
    try:
        return list(islice(_errors(_plain_value(raw), wanted, ""), ERRORS_MAX))
    except RecursionError:
        raise Problem("malformed_json", "The values are nested too deeply.") from None


def error_of_body(error: Exception) -> FieldError:
    """The error of msgspec as an error of the body as a whole."""
    return _field_error("", error)


def error_beyond_limit(field: str, message: object) -> FieldError | None:
    """The error of a parameter that is beyond a limit, as that of a field is; None for any other message of msgspec."""
    if not isinstance(message, str) or not BEYOND_LIMIT.fullmatch(message):
        return None
    return _field_error(field, ValueError(message))


def union_members(wanted: object) -> tuple[type[Struct], ...]:
    """The members of a union of Structs; empty for any other type."""
    members = get_args(wanted) if isinstance(wanted, UnionType) else ()
    return members if all(map(_is_struct, members)) else ()


def _plain_value(raw: bytes) -> object:
    """The body as dicts, lists and scalars, read with the standard library: msgspec stops at an unpaired surrogate."""
    try:
        return json.loads(raw.decode(), parse_constant=_refuse_constant)
    except ValueError:
        raise Problem("malformed_json", "Send one JSON value in UTF-8.") from None


def _refuse_constant(name: str) -> object:
    """Refuse NaN and Infinity, which JSON does not have (RFC 8259 section 6)."""
    raise ValueError(name)


def _errors(value: object, wanted: object, path: str) -> Iterator[FieldError]:
    """The errors at `path`. Structs and lists of Structs: the errors of each part. Others: msgspec's first."""
    if _is_struct(wanted):
        yield from _struct_errors(value, wanted, path)
    elif members := union_members(wanted):
        yield from _union_errors(value, members, path)
    elif _is_list_of_structs(wanted):
        yield from _list_errors(value, wanted, path)
    elif _has_unstorable_text(value):
        yield FieldError(path, "invalid_character", "Must not contain NUL characters or unpaired surrogates")
    else:
        try:
            msgspec.convert(value, type=wanted)
        except msgspec.ValidationError as error:
            yield _field_error(path, error, wanted)


def _struct_errors(value: object, wanted: type[Struct], path: str) -> Iterator[FieldError]:
    """Unknown fields, then the errors of each known field. The field of a union's tag is known."""
    if not isinstance(value, dict):
        yield FieldError(path, "wrong_type", "Expected an object")
        return
    fields = {field.encode_name: field for field in msgspec.structs.fields(wanted)}
    tag_field = wanted.__struct_config__.tag_field
    for name in [name for name in value if name not in fields and name != tag_field]:
        shown = name[:SHOWN_NAME_MAX].encode(errors="replace").decode()
        yield FieldError(_join(path, shown), "unknown_field", "This field is not known here")
    for name, field in fields.items():
        if name in value:
            yield from _errors(value[name], field.type, _join(path, name))
        elif field.required:
            yield FieldError(_join(path, name), "missing", "This field is required")


def _union_errors(value: object, members: Sequence[type[Struct]], path: str) -> Iterator[FieldError]:
    """The errors as the member of a tagged union that the value's tag names, or an error of the tag itself."""
    tag_field = members[0].__struct_config__.tag_field or ""
    if not isinstance(value, dict):
        yield FieldError(path, "wrong_type", "Expected an object")
        return
    by_tag = {member.__struct_config__.tag: member for member in members}
    tag = value.get(tag_field)
    if isinstance(tag, str) and tag in by_tag:
        yield from _struct_errors(value, by_tag[tag], path)
    else:
        code = "invalid" if tag_field in value else "missing"
        yield FieldError(_join(path, tag_field), code, f"One of {', '.join(map(str, by_tag))}")


def _list_errors(value: object, wanted: object, path: str) -> Iterator[FieldError]:
    """The errors of each item, or the one error of the list itself, which may be too long to look at each item."""
    list_type, limits = _without_limits(wanted)
    try:
        items = msgspec.convert(value, type=Annotated[(list[object], *limits)] if limits else list[object])
    except msgspec.ValidationError as error:
        yield _field_error(path, error)
        return
    for index, item in enumerate(items):
        yield from _errors(item, get_args(list_type)[0], _join(path, str(index)))


def _is_struct(wanted: object) -> TypeGuard[type[Struct]]:
    return isinstance(wanted, type) and issubclass(wanted, Struct)


def _is_list_of_structs(wanted: object) -> bool:
    kind, _ = _without_limits(wanted)
    return get_origin(kind) is list and _is_struct(get_args(kind)[0])


def _without_limits(wanted: object) -> tuple[object, tuple[object, ...]]:
    """The type inside `Annotated` and its annotations, such as `Meta(max_length=…)`; any other type has none."""
    if get_origin(wanted) is not Annotated:
        return wanted, ()
    kind, *limits = get_args(wanted)
    return kind, tuple(limits)


def _has_unstorable_text(value: object) -> bool:
    """Whether a text in the value has a character that PostgreSQL cannot store: NUL or an unpaired surrogate."""
    if isinstance(value, str):
        return "\0" in value or any("\ud800" <= character <= "\udfff" for character in value)
    if isinstance(value, dict):
        return any(_has_unstorable_text(part) for item in value.items() for part in item)
    return isinstance(value, list) and any(map(_has_unstorable_text, value))


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _field_error(path: str, error: Exception, wanted: object = None) -> FieldError:
    """An error of msgspec as one of ours, without msgspec's own path, and without the value.

    A text that does not match its pattern is told the form that it should have, as `form_of` says, and no pattern.
    """
    message = INVALID_VALUE.sub(r"\1", str(error).split(" - at `", 1)[0])
    if PATTERN in message:
        form, hint = form_of(wanted)
        return FieldError(path, "invalid", hint, {"form": form} if form else {})
    code, name = next(found for part, found in MESSAGE_CODES.items() if part in message)
    limit = LIMIT.search(message)
    params = {name: int(limit[1])} if name and limit else {}
    return FieldError(path, code, message.replace("`", ""), params)


def form_of(wanted: object) -> tuple[str, str]:
    """The name of the form that a text must have, empty if it has none, and what developers are told of it.

    A type that has a pattern names its form in `extra` of its `Meta`; its description is the hint.
    """
    for part in (wanted, *get_args(wanted)):
        for meta in get_args(part)[1:] if get_origin(part) is Annotated else ():
            if isinstance(meta, Meta) and meta.pattern:
                example = f" Such as {meta.examples[0]}" if meta.examples else ""
                return str((meta.extra or {}).get("form", "")), f"{meta.description or NOT_IN_FORM}{example}"
    return "", NOT_IN_FORM
