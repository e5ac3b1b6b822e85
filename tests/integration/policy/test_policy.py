"""The policy and its explanations over HTTP and on the command line, for users of the database."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from click.testing import CliRunner, Result

from app.auth.principal import ANONYMOUS
from app.auth.tokens import is_api_key, token_hash
from app.cli.main import cli
from app.domain.service_accounts.repository import read_principal_of_key
from app.domain.sessions.repository import find_principal
from app.errors import Problem
from app.guards.policy import ability_for
from app.guards.policy_expectations import principal_described_by, read_expectations
from app.guards.policy_report import policy_table
from tests.support.app import RunningApp, field_errors, problem
from tests.support.policy_people import person

EXPECTATIONS = read_expectations((Path(__file__).parents[2] / "policy.yaml").read_bytes())
PEOPLE = sorted({who for item in EXPECTATIONS for who in ([item.who] if isinstance(item.who, str) else item.who)})
UNKNOWN_ID = "00000000-0000-7000-8000-000000000000"


@pytest.fixture
async def admin(app: RunningApp) -> httpx.AsyncClient:
    """A platform admin. There are two languages: German and French."""
    await app.language("de", "German")
    await app.language("fr", "French")
    return await app.signed_in("root@example.org", admin=True)


async def explanation(client: httpx.AsyncClient, **question: object) -> dict[str, Any]:
    """The explanation of an answer of the policy, over HTTP."""
    response = await client.post("/api/policy/explain", json=question)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def explain_command(app: RunningApp, *arguments: str) -> Result:
    """Run `ostiary policy explain` on the app's database, in a thread because the command starts an event loop."""
    runner = CliRunner(env={"DATABASE_URL": app.settings.database_url})
    return await asyncio.to_thread(runner.invoke, cli, ["policy", "explain", *arguments])


@pytest.mark.parametrize("who", [who for who in PEOPLE if who != "anonymous"])
async def test_a_user_of_the_database_has_the_rules_that_expectations_are_checked_against(
    app: RunningApp, who: str
) -> None:
    await app.language("de", "German")
    await app.language("fr", "French")
    user_id, token = await person(app, who, "ada@example.org")
    found = await find_principal(app.resources.database, user_id)
    assert found is not None
    assert ability_for(found).rules == ability_for(principal_described_by(who, user_id)).rules
    if is_api_key(token):
        read = await read_principal_of_key(app.resources.database, token_hash(token), app.clock())
    else:
        read = await app.sessions.authenticate(token)
    assert (found.user, found.memberships) == (read.user, read.memberships)


async def test_the_principal_of_a_suspended_user_is_anonymous_and_an_unknown_user_has_none(app: RunningApp) -> None:
    user_id, _ = await person(app, "suspended", "ada@example.org")
    assert await find_principal(app.resources.database, user_id) == ANONYMOUS
    assert await find_principal(app.resources.database, UUID(UNKNOWN_ID)) is None


async def test_an_anonymous_caller_may_read_the_policy(app: RunningApp) -> None:
    response = await app.client().get("/api/policy")
    assert response.status_code == 200
    table = policy_table()
    assert [line["line"] for line in response.json()["lines"]] == [line.line for line in table.lines]
    assert response.json()["lines"][1] == {
        "line": 2,
        "who": "platform admin",
        "may": False,
        "actions": ["translate"],
        "subjects": ["Language"],
        "which": None,
        "fields": None,
        "reason": "Only a translator of the language may translate it",
    }
    assert response.json()["notes"] == list(table.notes)


async def test_only_a_platform_admin_may_request_an_explanation(app: RunningApp, admin: httpx.AsyncClient) -> None:
    user_id, token = await person(app, "translator of de and admin of de", "ada@example.org")
    question = {"userId": str(user_id), "action": "read", "subjectType": "Language"}
    assert (await admin.post("/api/policy/explain", json=question)).status_code == 200
    assert problem(await app.with_cookie(token).post("/api/policy/explain", json=question))["code"] == "forbidden"
    assert problem(await app.client().post("/api/policy/explain", json=question))["code"] == "not_signed_in"


async def test_an_explanation_names_the_deciding_line_and_gives_every_line_a_verdict(
    app: RunningApp, admin: httpx.AsyncClient
) -> None:
    user_id, _ = await person(app, "translator of fr and member of de", "ada@example.org")
    question = {"action": "translate", "subjectType": "Language"}
    french = await explanation(admin, userId=str(user_id), id="fr", **question)
    assert (french["allowed"], french["standing"], french["lines"][french["decidedBy"] - 1]["who"]) == (
        True,
        "active",
        "language translator",
    )
    german = await explanation(admin, email="ADA@example.org", id="de", **question)
    assert (german["allowed"], german["decidedBy"], german["reason"]) == (False, None, None)
    assert {line["verdict"] for line in german["lines"]} == {"who", "action", "subject", "conditions"}
    (failed,) = [line["failed"] for line in german["lines"] if line["verdict"] == "conditions"]
    assert failed == [{"path": "code", "operator": "$in", "expected": ["fr"], "actual": "de"}]
    of_the_type = await explanation(admin, userId=str(user_id), **question)
    assert of_the_type["allowed"] is True


async def test_an_explanation_can_be_about_a_field(app: RunningApp, admin: httpx.AsyncClient) -> None:
    user_id, _ = await person(app, "user", "ada@example.org")
    question = {"userId": str(user_id), "action": "update", "subjectType": "User", "id": str(user_id)}
    assert (await explanation(admin, **question, field="name"))["allowed"] is True
    role = await explanation(admin, **question, field="platformRole")
    assert (role["allowed"], role["reason"]) == (False, "Nobody changes their own platform role or status")


async def test_a_user_or_an_owner_can_be_named_by_id_or_address(app: RunningApp, admin: httpx.AsyncClient) -> None:
    ada, _ = await person(app, "user", "ada@example.org")
    await person(app, "user", "bob@example.org")
    for subject_type in ("User", "Session", "Key"):
        question = {"userId": str(ada), "action": "read", "subjectType": subject_type}
        assert (await explanation(admin, **question, id=str(ada).upper()))["allowed"] is True
        assert (await explanation(admin, **question, id="Ada@Example.org"))["allowed"] is True
        assert (await explanation(admin, **question, id="bob@example.org"))["allowed"] is False


@pytest.mark.parametrize(
    ("question", "errors"),
    [
        ({}, {"action": "missing", "subjectType": "missing"}),
        ({"action": "manage", "subjectType": "all"}, {"action": "invalid", "subjectType": "invalid"}),
        ({"action": "read", "subjectType": "User"}, {"email": "invalid"}),
        ({"action": "read", "subjectType": "User", "userId": UNKNOWN_ID, "email": "a@b.org"}, {"email": "invalid"}),
        ({"action": "read", "subjectType": "User", "email": "nobody"}, {"email": "invalid_email"}),
        ({"action": "read", "subjectType": "User", "email": "root@example.org", "id": "7"}, {"id": "invalid"}),
        ({"action": "read", "subjectType": "User", "email": "root@example.org", "id": "@"}, {"id": "invalid_email"}),
        ({"action": "read", "subjectType": "User", "email": "root@example.org", "id": ""}, {"id": "too_short"}),
    ],
)
async def test_a_malformed_question_is_a_422(
    admin: httpx.AsyncClient, question: dict[str, str], errors: dict[str, str]
) -> None:
    assert field_errors(await admin.post("/api/policy/explain", json=question)) == errors


@pytest.mark.parametrize("named", [{"userId": UNKNOWN_ID}, {"email": "nobody@example.org"}])
async def test_an_unknown_user_is_a_404(admin: httpx.AsyncClient, named: dict[str, str]) -> None:
    question = {**named, "action": "read", "subjectType": "Language"}
    assert problem(await admin.post("/api/policy/explain", json=question))["code"] == "not_found"


async def test_an_unknown_owner_is_a_404(admin: httpx.AsyncClient) -> None:
    question = {"email": "root@example.org", "action": "read", "subjectType": "Key", "id": "nobody@example.org"}
    assert problem(await admin.post("/api/policy/explain", json=question))["code"] == "not_found"


@pytest.mark.usefixtures("admin")
async def test_the_command_explains_every_line_that_could_have_applied(app: RunningApp) -> None:
    await person(app, "translator of fr and member of de", "ada@example.org")
    result = await explain_command(app, "ada@example.org", "translate", "Language", "de")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "ada@example.org may not translate Language de",
        "No line of the policy allows it.",
        "",
        "  1  platform admin may: anything, on anything",
        "     does not apply: it is about others",
        "  2  platform admin may not: translate, on Language",
        "     does not apply: it is about others",
        "  3  platform admin may not: create, update, delete, translate, on Translation",
        "     does not apply: it is about others",
        "  4  platform admin may not: anything, on Session, Key",
        "     does not apply: it is about others",
        "  5  platform admin may not: update, on User, Language",
        "     does not apply: it is about others",
        "  6  platform admin may: update (name, phone, locale), on User",
        "     does not apply: it is about others",
        "  7  platform admin may: update (name, autonym, textDirection), on Language",
        "     does not apply: it is about others",
        " 13  service account may: read, on User, ServiceAccount: themselves",
        "     does not apply: it is about others",
        " 16  language translator may: translate, on Language: languages they translate",
        '     does not apply: code is "de", but must be one of "fr"',
        " 18  language admin may: administer, on Language: languages they administer",
        "     does not apply: it is about others",
        " 19  language admin may: update (name, autonym, textDirection), on Language: languages they administer",
        "     does not apply: it is about others",
        " 20  service account may not: administer, on Language",
        "     does not apply: it is about others",
        " 21  user without a complete profile may: read, delete, on User: themselves",
        "     does not apply: it is about others",
        " 22  user without a complete profile may: update (name, phone, locale), on User: themselves",
        "     does not apply: it is about others",
        "",
        "Lines about other actions or subjects: 8",
    ]


@pytest.mark.usefixtures("admin")
async def test_the_command_accepts_an_id_in_place_of_the_address(app: RunningApp) -> None:
    user_id, _ = await person(app, "translator of de", "ada@example.org")
    by_address, by_id = [
        await explain_command(app, who, "translate", "Language", "de") for who in ("ada@example.org", str(user_id))
    ]
    assert (by_address.exit_code, by_id.exit_code) == (0, 0)
    assert by_id.output.splitlines()[1:] == by_address.output.splitlines()[1:]
    assert (await explain_command(app, "ada", "read", "Language")).exit_code == 2


@pytest.mark.usefixtures("admin")
async def test_the_command_names_the_deciding_line_and_the_overruled_lines(app: RunningApp) -> None:
    result = await explain_command(app, "root@example.org", "update", "User", "root@example.org", "--field", "status")
    lines = result.stdout.splitlines()
    assert lines[:2] == [
        "root@example.org may not update User root@example.org, field status",
        "Nobody changes their own platform role or status",
    ]
    assert lines[lines.index("  1  platform admin may: anything, on anything") + 1] == (
        "     applies, but line 10 comes later"
    )
    assert "     applies, and decides" in lines


@pytest.mark.parametrize(
    ("who", "sentence"),
    [("suspended", "They are suspended, and may do nothing."), ("onboarding", "They have not finished their profile")],
)
@pytest.mark.usefixtures("admin")
async def test_the_command_says_that_a_user_is_suspended_or_not_onboarded(
    app: RunningApp, who: str, sentence: str
) -> None:
    await person(app, who, "ada@example.org")
    assert sentence in (await explain_command(app, "ada@example.org", "read", "User", "ada@example.org")).stdout


@pytest.mark.usefixtures("admin")
async def test_the_command_raises_not_found_for_an_unknown_address(app: RunningApp) -> None:
    result = await explain_command(app, "nobody@example.org", "read", "Language")
    assert isinstance(result.exception, Problem)
    assert result.exception.code == "not_found"


async def test_up_to_100_questions_about_oneself_are_answered_in_order_as_the_rules_decide(app: RunningApp) -> None:
    await app.language("pt-BR", "Brazilian Portuguese")
    user_id = await app.user()
    await app.member(user_id, "pt-BR", "translator")
    client = app.with_cookie(await app.token(user_id))
    other = "00000000-0000-7000-8000-000000000001"
    asked = [
        ("translate", "Language", "pt-br", None, True),
        ("administer", "Language", "pt-BR", None, False),
        ("translate", "Language", None, None, True),
        ("create", "Translation", "pt-BR", None, True),
        ("update", "User", "me", "name", True),
        ("update", "User", str(user_id).upper(), "email", False),
        ("update", "User", other, "name", False),
        ("delete", "Session", "me", None, True),
        ("delete", "Key", other, None, False),
        ("read", "AuditEvent", None, None, False),
        ("administer", "Policy", None, None, False),
    ]
    names = ("action", "subjectType", "id", "field")
    checks = [{name: value for name, value in zip(names, check, strict=False) if value} for check in asked]

    answer = await client.post("/api/policy/can", json={"checks": checks})
    assert [decision["allowed"] for decision in answer.json()["decisions"]] == [check[-1] for check in asked]

    status = {"action": "update", "subjectType": "User", "id": "me", "field": "status"}
    answer = await client.post("/api/policy/can", json={"checks": [status]})
    reason = "Nobody changes their own platform role or status"
    assert answer.json() == {"decisions": [{"allowed": False, "reason": reason}]}


@pytest.mark.parametrize(
    ("check", "errors"),
    [
        ({"action": "paint", "subjectType": "Language"}, {"action": "invalid"}),
        ({"action": "read", "subjectType": "Cat"}, {"subjectType": "invalid"}),
        ({"action": "read", "subjectType": "User", "id": "ada@example.org"}, {"id": "invalid"}),
        ({"action": "read", "subjectType": "Policy", "id": "1"}, {"id": "invalid"}),
        ({"action": "read", "subjectType": "Language", "userId": "1"}, {"userId": "unknown_field"}),
    ],
)
async def test_a_question_that_makes_no_sense_is_422(
    app: RunningApp, check: dict[str, str], errors: dict[str, str]
) -> None:
    client = await app.signed_in()
    sent = [{"action": "read", "subjectType": "Language"}, check, check]
    named = {f"checks.{number}.{field}": code for number in (1, 2) for field, code in errors.items()}
    assert field_errors(await client.post("/api/policy/can", json={"checks": sent})) == named


async def test_questions_are_1_to_100_and_of_a_signed_in_user(app: RunningApp) -> None:
    client, check = await app.signed_in(), {"action": "read", "subjectType": "Language"}
    answers = [await client.post("/api/policy/can", json={"checks": [check] * number}) for number in (0, 100, 101)]
    assert [answer.status_code for answer in answers] == [422, 200, 422]
    assert problem(await app.client().post("/api/policy/can", json={"checks": [check]}))["code"] == "not_signed_in"
