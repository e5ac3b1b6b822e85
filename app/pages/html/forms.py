"""Forms: `application/x-www-form-urlencoded` bodies, decoded into the Structs of the JSON routes, by the same rules."""

from collections.abc import Mapping
from functools import cache
from typing import TypeVar
from urllib.parse import parse_qs

import msgspec
from msgspec import Struct
from msgspec import inspect as types

from app.errors import FieldError, Problem
from app.guards.authorize import Request
from app.http.bodies import decode
from app.http.body_errors import ERRORS_MAX
from app.http.request_head import FORM_TYPE

# More fields than any page has, and fewer than cost time.
FIELDS_MAX = 1000
# Fields whose text no page shows again.
SECRETS = frozenset({"secret", "code", "token"})

T = TypeVar("T", bound=Struct)


class Form(Struct, frozen=True):
    """What a form has sent: the texts of each field, by the names that the JSON has too. Lines end with `\\n`."""

    fields: Mapping[str, list[str]] = {}

    def text(self, name: str) -> str:
        """The text of a field; empty if the form does not have it."""
        return next(iter(self.fields.get(name, ())), "")

    @property
    def shown(self) -> dict[str, list[str]]:
        """What may be shown again to the person who has typed it: everything but secrets."""
        return {name: texts for name, texts in self.fields.items() if name not in SECRETS}

    def decode(self, kind: type[T], *, only: tuple[str, ...] | None = None, **added: object) -> T:
        """The form as a `kind`, with the values that the page itself adds.

        Of a form with several buttons, `only` names the fields that count. An empty text is null where the field may be
        null, and missing where it is required; a list has the texts of all fields of its name, a checkbox is a boolean,
        and digits are a number. Raises `Problem` as the JSON routes do, and for a field that is sent twice.
        """
        expected = _fields(kind)
        sent = {name: texts for name, texts in self.fields.items() if only is None or name in only}
        twice = [name for name, texts in sent.items() if len(texts) > 1 and not _is_list(expected.get(name))]
        if twice:
            errors = [FieldError(name, "duplicate", "Send this field once") for name in twice[:ERRORS_MAX]]
            raise Problem("validation_failed", errors=errors)
        values = {name: _value(expected.get(name), texts) for name, texts in sent.items()}
        values = {name: value for name, value in values.items() if value is not LEFT_OUT}
        lists: dict[str, list[str]] = {
            name: [] for name, field in expected.items() if _is_list(field) and field.required
        }
        config = kind.__struct_config__
        tag = {config.tag_field: config.tag} if config.tag_field else {}
        return decode(msgspec.json.encode({**tag, **lists, **values, **added}), kind)


async def read_form(request: Request) -> Form:
    """The form of a request. Raises `Problem`: `unsupported_media_type`, `malformed_request`, `body_too_large`."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    if body and media_type != FORM_TYPE.decode():
        raise Problem("unsupported_media_type", f"Send Content-Type: {FORM_TYPE.decode()}.")
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MAX)
    except ValueError:  # also of bytes that are not UTF-8
        raise Problem("malformed_request", "Send a form in UTF-8, with fewer fields.") from None
    return Form({name: [text.replace("\r\n", "\n") for text in texts] for name, texts in fields.items()})


LEFT_OUT = object()


def _value(field: types.Field | None, texts: list[str]) -> object:
    """The JSON value of a field that has sent `texts`; `LEFT_OUT` if the field counts as not sent."""
    if _is_list(field):
        return texts
    text = texts[0]
    kinds = _kinds(field.type) if field else set()
    if not text and types.NoneType in kinds:
        return None
    if not text and field and field.required:
        return LEFT_OUT
    if types.BoolType in kinds:
        return text in ("on", "true")
    if types.IntType in kinds and text.isascii() and text.isdigit():
        return int(text[:20])
    return text


def _is_list(field: types.Field | None) -> bool:
    return field is not None and bool({types.ListType, types.VarTupleType} & _kinds(field.type))


def _kinds(kind: types.Type) -> set[type[types.Type]]:
    """The kinds of values that a type takes."""
    if isinstance(kind, types.Metadata):
        return _kinds(kind.type)
    if isinstance(kind, types.UnionType):
        return set().union(*map(_kinds, kind.types))
    return {type(kind)}


@cache
def _fields(kind: type[Struct]) -> Mapping[str, types.Field]:
    info = types.type_info(kind)
    assert isinstance(info, types.StructType)  # noqa: S101 # for the type checker
    return {field.encode_name: field for field in info.fields}
