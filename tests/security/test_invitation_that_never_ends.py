"""An invitation that never ends: it does not expire, cannot be taken back, or lives on beside the one sent after it."""

from collections.abc import Mapping
from typing import NamedTuple

import httpx
import pytest

from tests.support.app import SECRET, RunningApp
from tests.support.mailbox import redeem, token_in

ADDRESS = "grace@example.org"


class Way(NamedTuple):
    """The requests of one way to invite, resend and revoke; paths take the id of the invited user."""

    invite: tuple[str, Mapping[str, object]]
    resend: str
    revoke: str


WAYS = {
    "platform": Way(("/api/users", {"email": ADDRESS, "name": "Grace"}), "/api/users/{}/invitation", "/api/users/{}"),
    "language": Way(
        ("/api/languages/de/members", {"email": ADDRESS, "roles": ["translator"]}),
        "/api/languages/de/members/{}/invitation",
        "/api/languages/de/members/{}",
    ),
}


class Inviter(NamedTuple):
    """Somebody who has invited Grace in one of the ways."""

    app: RunningApp
    client: httpx.AsyncClient
    way: Way

    async def path(self, template: str) -> str:
        query = "SELECT id FROM users WHERE email = $1"
        return template.format(await self.app.resources.database.pool.fetchval(query, ADDRESS))

    async def resend(self) -> str:
        """The token of the next mail."""
        answer = await self.client.post(await self.path(self.way.resend))
        assert answer.is_success, answer.text
        return await self.mailed()

    async def mailed(self) -> str:
        message = (await self.app.mails())[-1]
        assert message["To"] == ADDRESS
        return token_in(message)

    async def revoke(self) -> None:
        answer = await self.client.delete(await self.path(self.way.revoke))
        assert answer.status_code == 204, answer.text


@pytest.fixture(params=WAYS)
async def inviter(request: pytest.FixtureRequest, app: RunningApp) -> Inviter:
    way: Way = WAYS[request.param]
    await app.language("de", "German")
    admin = request.param == "platform"
    client = await (app.signed_in(admin=True) if admin else app.signed_in_member("de", "admin"))
    path, body = way.invite
    answer = await client.post(path, json=body)
    assert answer.is_success, answer.text
    return Inviter(app, client, way)


async def _again(inviter: Inviter) -> Inviter:
    """The same admin, signed in anew after the days that a test lets pass."""
    query = "SELECT id, platform_role FROM users WHERE email = 'ada@example.org'"
    ada = await inviter.app.resources.database.pool.fetchrow(query)
    assert ada
    token = await inviter.app.token(ada["id"], admin=ada["platform_role"] == "admin")
    return inviter._replace(client=inviter.app.with_cookie(token))


async def _accept(app: RunningApp, token: str) -> int:
    """The status; a link that is of no use to redeem is of none to inspect either."""
    inspected = (await app.client().post("/api/keys/inspect", json={"token": token})).status_code
    redeemed = (await redeem(app.client(), token=token, name="Grace", secret=SECRET)).status_code
    assert (inspected, redeemed) in {(200, 201), (410, 410)}
    return redeemed


@pytest.mark.parametrize(("seconds", "status"), [(-1, 201), (0, 410), (3600, 410)])
async def test_it_ends_after_seven_days(inviter: Inviter, seconds: int, status: int) -> None:
    token = await inviter.mailed()
    inviter.app.clock.forward(days=7, seconds=seconds)
    assert await _accept(inviter.app, token) == status


async def test_one_that_expired_can_be_sent_again_and_stays_expired(inviter: Inviter) -> None:
    old = await inviter.mailed()
    inviter.app.clock.forward(days=8)
    new = await (await _again(inviter)).resend()
    assert await _accept(inviter.app, old) == 410
    inviter.app.clock.forward(days=6)
    assert await _accept(inviter.app, new) == 201


async def test_only_the_one_sent_last_is_good_however_often_it_was_sent(inviter: Inviter) -> None:
    tokens = [await inviter.mailed(), await inviter.resend(), await inviter.resend()]
    assert len(set(tokens)) == 3
    assert [await _accept(inviter.app, token) for token in tokens] == [410, 410, 201]


async def test_one_that_was_taken_back_is_void_and_so_are_all_before_it(inviter: Inviter) -> None:
    tokens = [await inviter.mailed(), await inviter.resend()]
    resend = await inviter.path(inviter.way.resend)
    await inviter.revoke()
    assert [await _accept(inviter.app, token) for token in tokens] == [410, 410]
    assert (await inviter.client.post(resend)).status_code == 404
    assert len(await inviter.app.mails()) == 2


async def test_an_accepted_one_is_over(inviter: Inviter) -> None:
    token = await inviter.mailed()
    assert await _accept(inviter.app, token) == 201
    sent = len(await inviter.app.mails())
    await inviter.client.post(await inviter.path(inviter.way.resend))
    assert len(await inviter.app.mails()) == sent
    assert await _accept(inviter.app, token) == 410


async def test_a_suspension_of_the_invited_ends_it(inviter: Inviter) -> None:
    token = await inviter.mailed()
    root = await inviter.app.signed_in("root@example.org", admin=True)
    suspended = await root.post(await inviter.path("/api/users/{}/suspension"), json={"reason": "Spam"})
    assert suspended.status_code == 204
    assert await _accept(inviter.app, token) == 410


async def test_no_plain_member_revokes_or_resends_it(inviter: Inviter) -> None:
    token = await inviter.mailed()
    eve = await inviter.app.signed_in_member("de", "translator", email="eve@example.org")
    resent = await eve.post(await inviter.path(inviter.way.resend))
    revoked = await eve.delete(await inviter.path(inviter.way.revoke))
    assert (resent.status_code, revoked.status_code) == (403, 403)
    assert await _accept(inviter.app, token) == 201
