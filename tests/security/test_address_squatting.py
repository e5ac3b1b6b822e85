"""Account squatting: a sign-up with another person's address keeps its owner out, or leaves them a prepared account."""

from tests.support.app import RunningApp, is_signed_in
from tests.support.mailbox import ask, code_in, mailed, redeem, token_in

VICTIM = "ada@example.org"


async def _user_count(app: RunningApp) -> int:
    count: int = await app.resources.database.pool.fetchval("SELECT count(*) FROM users")
    return count


async def test_an_unverified_sign_up_does_not_reserve_the_address(open_app: RunningApp) -> None:
    await mailed(open_app, "sign_up", VICTIM)
    assert await _user_count(open_app) == 0
    open_app.clock.forward(seconds=30)

    answer = await redeem(open_app.client(), token=token_in(await mailed(open_app, "sign_up", VICTIM)), name="Ada")

    assert answer.json()["user"]["name"] == "Ada"
    phone = "SELECT phone FROM users"
    assert await open_app.resources.database.pool.fetchval(phone) is None


async def test_a_sign_up_that_somebody_else_asked_for_holds_nothing_of_theirs(open_app: RunningApp) -> None:
    for sent in ({"name": "Mallory"}, {"phone": "+4915112345678"}):
        assert (await ask(open_app.client(), "sign_up", VICTIM, **sent)).status_code == 422
    attackers_mail = await mailed(open_app, "sign_up", VICTIM, locale="de")

    answer = await redeem(open_app.client(), token=token_in(attackers_mail))

    user = (await open_app.resources.database.pool.fetch("SELECT name, phone, locale FROM users"))[0]
    assert answer.status_code == 201
    assert dict(user) == {"name": "", "phone": None, "locale": None}


async def test_an_unverified_email_change_does_not_reserve_the_address(open_app: RunningApp) -> None:
    attacker = await open_app.signed_in("mallory@example.org")
    await ask(attacker, "email_change", VICTIM)
    code = code_in((await open_app.mails())[-1])
    open_app.clock.forward(seconds=30)

    owner = open_app.client()
    await redeem(owner, token=token_in(await mailed(open_app, "sign_up", VICTIM)), name="Ada")

    assert await is_signed_in(owner)
    change = await redeem(attacker, purpose="email_change", email=VICTIM, code=code)
    assert change.status_code in (409, 410)
    assert (await owner.get("/api/session")).json()["user"]["email"] == VICTIM


async def test_signing_up_with_a_taken_address_does_not_change_its_account(open_app: RunningApp) -> None:
    await open_app.user(VICTIM, name="Ada", secret=None)
    message = await mailed(open_app, "sign_up", VICTIM)

    sent = {"name": "Mallory", "phone": "+4915112345678", "locale": "de"}
    answer = await redeem(open_app.client(), token=token_in(message), **sent)

    assert answer.json()["user"]["name"] == "Ada"
    assert await _user_count(open_app) == 1
