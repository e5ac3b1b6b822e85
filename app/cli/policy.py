"""`ostiary policy`: shows, explains and tests the policy, and decides for other programs."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import get_args
from uuid import UUID

import click
import msgspec
from msgspec import UNSET

from app.ability.explain import FailedCondition
from app.ability.json_lines import decide_line
from app.cli.console import with_resources
from app.domain.policy.schemas import Question
from app.domain.policy.service import explain_question
from app.errors import Problem, SubjectNotFound
from app.guards.policy import Action, SubjectType
from app.guards.policy_expectations import check_expectations, read_expectations
from app.guards.policy_report import ExplainedLine, Line, PolicyExplanation, policy_table

EVERYTHING = {"manage": "anything", "all": "anything"}
STANDINGS = {
    "active": "",
    "onboarding": "They have not finished their profile: until then they may do nothing else.",
    "suspended": "They are suspended, and may do nothing.",
}
# How a condition's operator reads after "must be".
OPERATORS = {
    "$eq": "",
    "$ne": "other than ",
    "$in": "one of ",
    "$nin": "none of ",
    "$all": "a list with all of ",
    "$size": "a list with this number of entries: ",
    "$lt": "less than ",
    "$lte": "at most ",
    "$gt": "more than ",
    "$gte": "at least ",
    "$exists": "present: ",
}
VALUES_SHOWN = 5


@click.group()
def policy() -> None:
    """Read, explain and test who may do what."""


@policy.command()
def show() -> None:
    """Print the policy as a table."""
    table = policy_table()
    rows = [
        (
            str(line.line),
            line.who,
            "may" if line.may else "may not",
            _actions(line),
            _listed(line.subjects),
            line.which or "all",
        )
        for line in table.lines
    ]
    heads = ("line", "who", "", "do", "on", "which of them")
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    for row, line in zip([heads, *rows], [None, *table.lines], strict=True):
        click.echo("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
        if line and line.reason:
            click.echo(f"{'':{widths[0]}}  because: {line.reason}")
    click.echo()
    for note in table.notes:
        click.echo(note)


def _not_empty(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """Refuse an empty word, such as an unset variable: it would ask a wider question than was meant."""
    if value == "":
        raise click.BadParameter("must not be empty")
    return value


@policy.command()
@click.argument("user")
@click.argument("action", type=click.Choice(get_args(Action)))
@click.argument("subject", type=click.Choice(get_args(SubjectType)))
@click.argument("id_", metavar="[ID]", required=False, callback=_not_empty)
@click.option("--field", callback=_not_empty, help="Ask about one field of the subject.")
def explain(user: str, action: Action, subject: SubjectType, id_: str | None, field: str | None) -> None:
    """Say why USER, an address or id, may or may not do ACTION.

    ID is the code of a Language, or of a Translation's language; a User's id or address; the id or address of the owner
    of a Session or Key. Without ID the question is about the type: is there any subject of the type on which USER may
    do ACTION?
    """
    by_id = None if "@" in user else _user_id(user)
    question = Question(action, subject, user_id=by_id, email=None if by_id else user, id=id_, field=field)
    try:
        explanation = with_resources(lambda resources: explain_question(resources, question))
    except SubjectNotFound:
        raise Problem("not_found", "There is no user with this address or id.") from None
    of_field = f", field {field}" if field else ""
    click.echo(
        f"{user} {'may' if explanation.allowed else 'may not'} {action} {subject} {id_ or ''}".rstrip() + of_field
    )
    for line in _because(explanation):
        click.echo(line)


@policy.command()
def decide() -> None:
    """Decide for rules that are read from standard input, as @casl/ability does.

    Each line is JSON: {"rules": […], "checks": [{"action", "subjectType", "subject", "field"}]}, with CASL's raw or
    packed rules; without subject the question is about the type. Each gets a line: {"decisions": [{"allowed", "reason",
    "rule"}]}, rule being the index of the deciding one, or {"error": "…"}.
    """
    output = sys.stdout.buffer
    for line in sys.stdin.buffer:
        if line.strip():
            output.write(decide_line(line) + b"\n")
            output.flush()


@policy.command("test")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def test_command(file: Path) -> None:
    """Check the policy against the expectations of FILE, a YAML list of who, action, subject and allowed."""
    outcome = check_expectations(read_expectations(file.read_bytes()))
    for failure in outcome.failures:
        click.echo(failure)
    if outcome.failures:
        click.echo(f"{len(outcome.failures)} of {outcome.checked} answers are not as expected")
        sys.exit(1)
    click.echo(f"All {outcome.checked} answers are as expected")


def _user_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise click.BadParameter("expected an address or a user's id", param_hint="USER") from None


def _because(explanation: PolicyExplanation) -> Iterator[str]:
    """Why the answer is what it is, with each line of the policy on this action and subject."""
    if explanation.reason:
        yield explanation.reason
    if explanation.standing != "active":
        yield STANDINGS[explanation.standing]
    if explanation.decided_by is None:
        yield "No line of the policy allows it."
    yield ""
    others = 0
    for line in explanation.lines:
        if line.verdict in {"action", "subject"}:
            others += 1
        else:
            yield f"{line.line:>3}  {_sentence(line)}"
            yield f"     {_verdict(line, explanation.decided_by)}"
    if others:
        yield ""
        yield f"Lines about other actions or subjects: {others}"


def _sentence(line: Line) -> str:
    verb = "may" if line.may else "may not"
    which = f": {line.which}" if line.which else ""
    return f"{line.who} {verb}: {_actions(line)}, on {_listed(line.subjects)}{which}"


def _verdict(line: ExplainedLine, decided_by: int | None) -> str:
    texts = {
        "who": "does not apply: it is about others",
        "field": "does not apply: it is about other fields",
        "conditions": "does not apply: " + ("; ".join(map(_failed, line.failed)) or "it denies some, not all"),
        "overruled": f"applies, but line {decided_by} comes later",
        "decides": "applies, and decides",
    }
    return texts[line.verdict]


def _failed(failed: FailedCondition) -> str:
    actual = "missing" if failed.actual is UNSET else _value(failed.actual)
    expected = failed.expected if isinstance(failed.expected, tuple) else (failed.expected,)
    more = f" and {len(expected) - VALUES_SHOWN} more" if len(expected) > VALUES_SHOWN else ""
    values = ", ".join(map(_value, expected[:VALUES_SHOWN])) or "none"
    return f"{failed.path} is {actual}, but must be {OPERATORS[failed.operator]}{values}{more}"


def _value(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _actions(line: Line) -> str:
    actions = _listed(line.actions)
    return f"{actions} ({_listed(line.fields)})" if line.fields else actions


def _listed(names: Iterable[str]) -> str:
    return ", ".join(EVERYTHING.get(name, name) for name in names)
