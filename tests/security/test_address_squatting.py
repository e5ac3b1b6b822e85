"""Squatting: signing up with somebody else's address keeps its owner out, or hands them a prepared account."""

from tests.support.app import RunningApp, is_signed_in
from tests.support.mailbox import ask, code_in, mailed, redeem, token_in

VICTIM = "ada@example.org"


async def _users(app: RunningApp) -> int:
    count: int = await app.resources.database.pool.fetchval("SELECT count(*) FROM users")
    return count


async def test_a_sign_up_that_is_not_proved_takes_no_address(open_app: RunningApp) -> None:
    await mailed(open_app, "sign_up", VICTIM, name="Mallory", phone="+4915112345678")
    assert await _users(open_app) == 0
    open_app.clock.forward(seconds=30)

    answer = await redeem(open_app.client(), token=token_in(await mailed(open_app, "sign_up", VICTIM, name="Ada")))

    assert answer.json()["user"]["name"] == "Ada"
    phone = "SELECT phone FROM users"
    assert await open_app.resources.database.pool.fetchval(phone) is None


async def test_the_key_of_the_squatter_is_void_once_the_owner_has_asked(open_app: RunningApp) -> None:
    squatters = await mailed(open_app, "sign_up", VICTIM, name="Mallory")
    open_app.clock.forward(seconds=30)
    await mailed(open_app, "sign_up", VICTIM, name="Ada")

    assert (await redeem(open_app.client(), token=token_in(squatters))).status_code == 410
    body = {"purpose": "sign_up", "email": VICTIM, "code": code_in(squatters)}
    assert (await redeem(open_app.client(), **body)).status_code == 410
    assert await _users(open_app) == 0


async def test_an_address_change_that_is_not_proved_takes_no_address(open_app: RunningApp) -> None:
    squatter = await open_app.signed_in("mallory@example.org")
    await ask(squatter, "email_change", VICTIM)
    code = code_in((await open_app.mails())[-1])
    open_app.clock.forward(seconds=30)

    owner = open_app.client()
    await redeem(owner, token=token_in(await mailed(open_app, "sign_up", VICTIM, name="Ada")))

    assert await is_signed_in(owner)
    stolen = await redeem(squatter, purpose="email_change", email=VICTIM, code=code)
    assert stolen.status_code in (409, 410)
    assert (await owner.get("/api/session")).json()["user"]["email"] == VICTIM


async def test_signing_up_with_a_taken_address_changes_nothing_of_its_account(open_app: RunningApp) -> None:
    await open_app.user(VICTIM, name="Ada", secret=None)
    message = await mailed(open_app, "sign_up", VICTIM, name="Mallory", phone="+4915112345678")

    answer = await redeem(open_app.client(), token=token_in(message))

    assert answer.json()["user"]["name"] == "Ada"
    assert await _users(open_app) == 1
