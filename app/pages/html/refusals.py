"""A refused form: the problem, in words beside each field, and what was typed."""

from collections.abc import Mapping

from msgspec import Struct

from app.errors import Problem
from app.pages.html.forms import Form
from app.words.catalogue import section
from app.words.problem_texts import field_text, problem_text


class Refusal(Struct, frozen=True):
    """A problem that a page shows, with the form that has met it.

    `about` is the field that the problem is about, if the problem names none: the link of its message leads there.
    """

    problem: Problem
    form: Form = Form()
    about: str = ""


class Message(Struct, frozen=True):
    """One line of the error summary; `field` is the id of the field that it links to, and `label` what that is called,
    both empty for a problem of the whole."""

    text: str
    field: str = ""
    label: str = ""


def messages(refusal: Refusal, locale: str) -> list[Message]:
    """The lines of the error summary, in the order of the problem. A line links only to a field that the form has."""
    problem = refusal.problem
    if not problem.errors:
        return [Message(problem_text(locale, problem.code, problem.params), refusal.about)]
    labels = section(locale, "pages.fields")
    return [
        Message(
            field_text(locale, error.code, error.params),
            error.field if error.field in refusal.form.fields else refusal.about,
            labels.get(error.field, ""),
        )
        for error in problem.errors
    ]


def by_field(lines: list[Message]) -> Mapping[str, str]:
    """The first message of each field."""
    return {line.field: line.text for line in reversed(lines) if line.field}
