"""The fields of a profile in a form: which of them a page asks for, and what it offers to choose from."""

from collections.abc import Sequence
from functools import cache

from msgspec import Struct

from app.guards.authorize import Request
from app.http.problems import locale_for
from app.pages.html.phone import countries, likely_country

countries_in = cache(countries)


class ProfileQuestions(Struct, frozen=True):
    """The fields that a page asks for. With `phone`, one of `countries`, by code and label, is chosen."""

    fields: Sequence[str]
    countries: Sequence[tuple[str, str]] = ()
    country: str = ""


def ask_for(request: Request, fields: Sequence[str]) -> ProfileQuestions:
    """The questions for these fields of a profile, for the reader of the request."""
    if "phone" not in fields:
        return ProfileQuestions(fields)
    locale = locale_for(request)
    likely = likely_country(request.headers.get("accept-language", ""), locale)
    return ProfileQuestions(fields, countries_in(locale), likely)
