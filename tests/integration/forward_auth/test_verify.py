"""`GET /api/verify` tells a proxy who sends a request, and whether the policy allows what the operator asks."""

import asyncio
from urllib.parse import unquote

import httpx
import pytest

from app.http.forward_auth import IDENTITY_HEADERS
from tests.support.app import ORIGIN, RunningApp, field_errors, problem, running, settings_for

READ = {"X-Forwarded-Method": "GET"}


def identity(answer: httpx.Response) -> dict[str, str]:
    """The identity headers of a 204, decoded."""
    assert answer.status_code == 204, answer.text
    assert answer.content == b""
    return {name: unquote(answer.headers[name]) for name in IDENTITY_HEADERS}


async def test_the_headers_tell_who_calls_from_memory_as_without(app: RunningApp) -> None:
    user_id = await app.user("ada+work@example.org", name="Ada Lövelace, 100 % “sûre”")
    client = app.with_cookie(await app.token(user_id))
    session = (await client.get("/api/session")).json()["session"]
    expected = {
        "X-Ostiary-User": str(user_id),
        "X-Ostiary-Email": "ada+work@example.org",
        "X-Ostiary-Name": "Ada Lövelace, 100 % “sûre”",
        "X-Ostiary-Platform-Role": "",
        "X-Ostiary-Session": session["id"],
    }
    answers = [await client.get("/api/verify", headers=READ) for _ in range(3)]
    assert [identity(answer) for answer in answers] == [expected] * 3
    asked = await client.get("/api/verify?action=read&subject=Language", headers=READ)
    assert asked.status_code == 403
    own = await client.get("/api/verify?action=read&subject=User&id=me", headers=READ)
    assert identity(own) == expected
    assert {answer.headers["cache-control"] for answer in (*answers, own, asked)} == {"no-store"}
    assert [answer.headers["X-Ostiary-Email"] for answer in (*answers, own)] == ["ada%2Bwork@example.org"] * 4


async def test_without_a_cache_of_principals_the_answer_is_the_same(app: RunningApp, database_url: str) -> None:
    client = await app.signed_in(admin=True)
    settings = settings_for(database_url, PRINCIPAL_CACHE="0")
    async with running(settings, app.clock) as uncached:
        token = client.cookies["auth_session"]
        of_both = [await one.with_cookie(token).get("/api/verify", headers=READ) for one in (app, uncached)]
    kept, read = map(identity, of_both)
    assert kept == read
    assert kept["X-Ostiary-Platform-Role"] == "admin"


async def test_a_changed_name_and_role_show_in_the_next_answer(app: RunningApp) -> None:
    admin, ada = await app.signed_in("root@example.org", admin=True), await app.signed_in()
    user_id = identity(await ada.get("/api/verify", headers=READ))["X-Ostiary-User"]
    assert (await admin.patch(f"/api/users/{user_id}", json={"name": "Augusta"})).is_success
    assert identity(await ada.get("/api/verify", headers=READ))["X-Ostiary-Name"] == "Augusta"


async def test_a_bearer_token_is_verified_too(app: RunningApp) -> None:
    token = await app.token(await app.user())
    script = app.client(Authorization=f"Bearer {token}")
    del script.headers["Origin"]
    assert identity(await script.get("/api/verify"))["X-Ostiary-Email"] == "ada@example.org"


@pytest.mark.parametrize(
    ("query", "member", "stranger"),
    [
        ("action=read&subject=Language&id=de", 204, 403),
        ("action=read&subject=Language&id=DE", 204, 403),
        ("action=translate&subject=Language&id=de", 204, 403),
        ("action=administer&subject=Language&id=de", 403, 403),
        ("action=read&subject=Language", 204, 403),
        ("action=read&subject=User&id=me", 204, 204),
        ("action=administer&subject=Policy", 403, 403),
    ],
)
async def test_the_query_asks_the_policy(app: RunningApp, query: str, member: int, stranger: int) -> None:
    await app.language()
    ada = await app.signed_in_member("de", "translator")
    eve = await app.signed_in("eve@example.org")
    answers = [await client.get(f"/api/verify?{query}", headers=READ) for client in (ada, eve)]
    assert [answer.status_code for answer in answers] == [member, stranger]
    assert (await app.client().get(f"/api/verify?{query}", headers=READ)).status_code == 401


async def test_a_refusal_has_the_reason_of_the_policy(app: RunningApp) -> None:
    admin = await app.signed_in(admin=True)
    answer = await admin.get("/api/verify?action=translate&subject=Language&id=de", headers=READ)
    assert problem(answer)["detail"] == "Only a translator of the language may translate it"


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ("action=read", {"subject": "missing"}),
        ("subject=Language", {"action": "missing"}),
        ("id=de", {"action": "missing"}),
        ("action=read&id=de", {"subject": "missing"}),
        ("action=&subject=", {"action": "invalid", "subject": "invalid"}),
        ("action=null&subject=null", {"action": "invalid", "subject": "invalid"}),
        ("action=fly&subject=Language", {"action": "invalid"}),
        ("action=read&subject=Language&id=", {"id": "too_short"}),
        ("action=read&subject=Policy&id=1", {"id": "invalid"}),
        ("action=read&subject=User&id=x", {"id": "invalid"}),
        ("action=read&action=delete&subject=Language", {"action": "duplicate"}),
        ("page=2", {"page": "unknown_parameter"}),
    ],
)
async def test_a_question_that_cannot_be_asked_is_no_yes(app: RunningApp, query: str, errors: dict[str, str]) -> None:
    admin = await app.signed_in(admin=True)
    assert field_errors(await admin.get(f"/api/verify?{query}", headers=READ)) == errors


async def test_an_incomplete_profile_is_refused_with_its_code(app: RunningApp) -> None:
    newcomer = app.with_cookie(await app.token(await app.user(onboarded=False)))
    for _ in range(2):
        assert problem(await newcomer.get("/api/verify", headers=READ))["code"] == "onboarding_required"


async def test_a_session_that_has_ended_is_refused_at_once(app: RunningApp) -> None:
    client = await app.signed_in()
    token = client.cookies["auth_session"]
    assert (await client.get("/api/verify", headers=READ)).status_code == 204
    assert (await client.delete("/api/session")).status_code == 204
    refused = await app.with_cookie(token).get("/api/verify", headers=READ)
    assert problem(refused)["code"] == "not_signed_in"
    assert refused.headers["www-authenticate"]


async def test_verified_requests_count_as_use_of_the_session(app: RunningApp) -> None:
    client = await app.signed_in()
    for _ in range(30):
        app.clock.forward(hours=20)
        answer = await client.get("/api/verify", headers=READ)
        assert answer.status_code == 204
        assert "set-cookie" not in answer.headers
        await app.sessions.flush()


async def test_head_answers_as_get(app: RunningApp) -> None:
    client = await app.signed_in()
    assert identity(await client.head("/api/verify", headers=READ)) == identity(
        await client.get("/api/verify", headers=READ)
    )


async def test_answers_of_different_callers_do_not_mix(app: RunningApp) -> None:
    clients = [await app.signed_in(f"user{number}@example.org") for number in range(8)]
    for _ in range(3):
        answers = await asyncio.gather(*(client.get("/api/verify", headers=READ) for client in clients))
        emails = [identity(answer)["X-Ostiary-Email"] for answer in answers]
        assert emails == [f"user{number}@example.org" for number in range(8)]


async def test_a_request_that_changes_something_needs_an_allowed_origin(app: RunningApp) -> None:
    client = await app.signed_in()
    assert (await client.get("/api/verify", headers={"X-Forwarded-Method": "POST", "Origin": ORIGIN})).is_success
    refused = await client.get("/api/verify", headers={"X-Forwarded-Method": "POST", "Origin": "https://evil.example"})
    assert problem(refused)["code"] == "cross_site_request"
