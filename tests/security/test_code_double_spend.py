"""Double spend: a mailed code or link is used by many at the same moment, and more than one gets in."""

from collections import Counter

import httpx
import pytest

from tests.support.app import CREDENTIALS, RunningApp
from tests.support.mailbox import ask, code_in, mailed, redeem, token_in
from tests.support.races import at_once

ADDRESS = "ada@example.org"
RIVALS = 16
ONE_WINS = {201: 1, 410: RIVALS - 1}


async def _at_once(app: RunningApp, *bodies: dict[str, str]) -> list[httpx.Response]:
    """What rivals get that all redeem at the same moment, each with the next of the bodies in turn."""
    return await at_once(RIVALS, lambda number: redeem(app.client(), **bodies[number % len(bodies)]))


async def _sessions(app: RunningApp) -> int:
    count: int = await app.resources.database.pool.fetchval("SELECT count(*) FROM sessions")
    return count


@pytest.mark.parametrize("ways", [("code",), ("link",), ("code", "link")])
async def test_one_mail_starts_one_session(app: RunningApp, ways: tuple[str, ...]) -> None:
    await app.user(ADDRESS)
    for round_ in range(1, 5):
        message = await mailed(app, "sign_in")
        bodies = {
            "code": {"purpose": "sign_in", "email": ADDRESS, "code": code_in(message)},
            "link": {"token": token_in(message)},
        }
        await app.resources.database.pool.execute("TRUNCATE sessions")

        answers = await _at_once(app, *(bodies[way] for way in ways))

        assert Counter(answer.status_code for answer in answers) == ONE_WINS
        assert await _sessions(app) == 1
        app.clock.forward(minutes=round_)


@pytest.mark.parametrize("way", ["code", "link"])
async def test_one_sign_up_makes_one_user(open_app: RunningApp, way: str) -> None:
    message = await mailed(open_app, "sign_up", name="Ada")
    by_code = {"purpose": "sign_up", "email": ADDRESS, "code": code_in(message)}

    answers = await _at_once(open_app, by_code if way == "code" else {"token": token_in(message)})

    assert Counter(answer.status_code for answer in answers) == ONE_WINS
    assert await open_app.resources.database.pool.fetchval("SELECT count(*) FROM users") == 1
    assert await _sessions(open_app) == 1


async def test_of_many_new_secrets_the_one_that_was_answered_is_set(app: RunningApp) -> None:
    await app.user(ADDRESS)
    token = token_in(await mailed(app, "password_reset"))
    bodies = [{"token": token, "secret": f"{number} herons over quiet water"} for number in range(RIVALS)]

    answers = await _at_once(app, *bodies)

    assert Counter(answer.status_code for answer in answers) == ONE_WINS
    winner = next(number for number, answer in enumerate(answers) if answer.status_code == 201)
    for number in (winner, winner - 1):
        secret = bodies[number]["secret"]
        answer = await app.client(ip="192.0.2.1").post("/api/session", json={**CREDENTIALS, "secret": secret})
        assert answer.status_code == (201 if number == winner else 401)


async def test_one_code_renames_once(app: RunningApp) -> None:
    user_id = await app.user(ADDRESS)
    browsers = [app.with_cookie(await app.token(user_id)) for _ in range(RIVALS)]
    await ask(browsers[0], "email_change", "new@example.org")
    body = {"purpose": "email_change", "email": "new@example.org", "code": code_in((await app.mails())[-1])}

    answers = await at_once(RIVALS, lambda number: redeem(browsers[number], **body))

    assert Counter(answer.status_code for answer in answers) == ONE_WINS
    assert [message["To"] for message in await app.mails()] == ["new@example.org", ADDRESS]


async def test_a_code_proves_it_again_to_one_session(app: RunningApp) -> None:
    user_id = await app.user(ADDRESS)
    browsers = [app.with_cookie(await app.token(user_id)) for _ in range(RIVALS)]
    body = {"method": "code", "code": code_in(await mailed(app, "sign_in"))}

    answers = await at_once(RIVALS, lambda number: browsers[number].post("/api/session/reauthentication", json=body))

    assert Counter(answer.status_code for answer in answers) == {200: 1, 410: RIVALS - 1}
