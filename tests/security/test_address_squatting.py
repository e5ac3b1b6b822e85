"""Squatting: signing up with somebody else's address keeps its owner out, or hands them a prepared account."""

from tests.support.app import World, is_signed_in
from tests.support.mailbox import ask, code_in, mailed, redeem, token_in

VICTIM = "ada@example.org"


async def _users(world: World) -> int:
    count: int = await world.services.database.pool.fetchval("SELECT count(*) FROM users")
    return count


async def test_a_sign_up_that_is_not_proved_takes_no_address(open_world: World) -> None:
    await mailed(open_world, "sign_up", VICTIM, name="Mallory", phone="+4915112345678")
    assert await _users(open_world) == 0
    open_world.clock.forward(seconds=30)

    answer = await redeem(open_world.client(), token=token_in(await mailed(open_world, "sign_up", VICTIM, name="Ada")))

    assert answer.json()["user"]["name"] == "Ada"
    phone = "SELECT phone FROM users"
    assert await open_world.services.database.pool.fetchval(phone) is None


async def test_the_key_of_the_squatter_is_void_once_the_owner_has_asked(open_world: World) -> None:
    squatters = await mailed(open_world, "sign_up", VICTIM, name="Mallory")
    open_world.clock.forward(seconds=30)
    await mailed(open_world, "sign_up", VICTIM, name="Ada")

    assert (await redeem(open_world.client(), token=token_in(squatters))).status_code == 410
    body = {"purpose": "sign_up", "email": VICTIM, "code": code_in(squatters)}
    assert (await redeem(open_world.client(), **body)).status_code == 410
    assert await _users(open_world) == 0


async def test_an_address_change_that_is_not_proved_takes_no_address(open_world: World) -> None:
    squatter = await open_world.signed_in("mallory@example.org")
    await ask(squatter, "email_change", VICTIM)
    code = code_in((await open_world.mails())[-1])
    open_world.clock.forward(seconds=30)

    owner = open_world.client()
    await redeem(owner, token=token_in(await mailed(open_world, "sign_up", VICTIM, name="Ada")))

    assert await is_signed_in(owner)
    stolen = await redeem(squatter, purpose="email_change", email=VICTIM, code=code)
    assert stolen.status_code in (409, 410)
    assert (await owner.get("/api/session")).json()["user"]["email"] == VICTIM


async def test_signing_up_with_a_taken_address_changes_nothing_of_its_account(open_world: World) -> None:
    await open_world.user(VICTIM, name="Ada", secret=None)
    message = await mailed(open_world, "sign_up", VICTIM, name="Mallory", phone="+4915112345678")

    answer = await redeem(open_world.client(), token=token_in(message))

    assert answer.json()["user"]["name"] == "Ada"
    assert await _users(open_world) == 1
