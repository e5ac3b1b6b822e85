"""Double spend: concurrent requests redeem one mailed code or link, and more than one succeeds."""

from collections import Counter

import httpx
import pytest

from tests.support.app import CREDENTIALS, RunningApp
from tests.support.mailbox import ask, code_in, flow_of, mailed, redeem, token_in
from tests.support.races import at_once

ADDRESS = "ada@example.org"
CONCURRENT = 16
ONE_SUCCEEDS = {201: 1, 410: CONCURRENT - 1}


async def _redeem_at_once(app: RunningApp, *bodies: dict[str, str]) -> list[httpx.Response]:
    """The answers to CONCURRENT redemptions at the same moment, which send the bodies in turn."""
    return await at_once(CONCURRENT, lambda number: redeem(app.client(), **bodies[number % len(bodies)]))


async def _session_count(app: RunningApp) -> int:
    count: int = await app.resources.database.pool.fetchval("SELECT count(*) FROM sessions")
    return count


@pytest.mark.parametrize("key_kinds", [("code",), ("link",), ("code", "link")])
async def test_code_and_link_of_one_mail_start_one_session(app: RunningApp, key_kinds: tuple[str, ...]) -> None:
    await app.user(ADDRESS)
    for _ in range(4):
        message = await mailed(app, "sign_in")
        bodies = {
            "code": {"purpose": "sign_in", "email": ADDRESS, "code": code_in(message)},
            "link": {"token": token_in(message)},
        }
        await app.resources.database.pool.execute("TRUNCATE sessions")

        answers = await _redeem_at_once(app, *(bodies[key_kind] for key_kind in key_kinds))

        assert Counter(answer.status_code for answer in answers) == ONE_SUCCEEDS
        assert await _session_count(app) == 1
        app.clock.forward(days=1)


@pytest.mark.parametrize("key_kind", ["code", "link"])
async def test_one_sign_up_key_creates_one_user(open_app: RunningApp, key_kind: str) -> None:
    message = await mailed(open_app, "sign_up")
    by_code = {"purpose": "sign_up", "email": ADDRESS, "code": code_in(message)}

    answers = await _redeem_at_once(open_app, by_code if key_kind == "code" else {"token": token_in(message)})

    assert Counter(answer.status_code for answer in answers) == ONE_SUCCEEDS
    assert await open_app.resources.database.pool.fetchval("SELECT count(*) FROM users") == 1
    assert await _session_count(open_app) == 1


async def test_concurrent_password_resets_store_the_secret_of_the_accepted_request(app: RunningApp) -> None:
    await app.user(ADDRESS)
    token = token_in(await mailed(app, "password_reset"))
    bodies = [{"token": token, "secret": f"{number} herons over quiet water"} for number in range(CONCURRENT)]

    answers = await _redeem_at_once(app, *bodies)

    assert Counter(answer.status_code for answer in answers) == ONE_SUCCEEDS
    accepted = next(number for number, answer in enumerate(answers) if answer.status_code == 201)
    for number in (accepted, accepted - 1):
        secret = bodies[number]["secret"]
        answer = await app.client(ip="192.0.2.1").post("/api/session", json={**CREDENTIALS, "secret": secret})
        assert answer.status_code == (201 if number == accepted else 401)


async def test_one_code_changes_the_address_once(app: RunningApp) -> None:
    user_id = await app.user(ADDRESS)
    browsers = [app.with_cookie(await app.token(user_id)) for _ in range(CONCURRENT)]
    await ask(browsers[0], "email_change", "new@example.org")
    body = {"purpose": "email_change", "email": "new@example.org", "code": code_in((await app.mails())[-1])}

    answers = await at_once(CONCURRENT, lambda number: redeem(browsers[number], **body))

    assert Counter(answer.status_code for answer in answers) == ONE_SUCCEEDS
    assert [message["To"] for message in await app.mails()] == ["new@example.org", ADDRESS]


async def test_one_code_reauthenticates_one_session(app: RunningApp) -> None:
    user_id = await app.user(ADDRESS)
    browsers = [app.with_cookie(await app.token(user_id)) for _ in range(CONCURRENT)]
    code = code_in(await mailed(app, "sign_in"))
    body = {"method": "code", "code": code, "flow": flow_of("sign_in")}

    answers = await at_once(
        CONCURRENT, lambda number: browsers[number].post("/api/session/reauthentication", json=body)
    )

    assert Counter(answer.status_code for answer in answers) == {200: 1, 410: CONCURRENT - 1}
