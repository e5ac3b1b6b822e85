"""Insufficient expiration: an invitation link stays valid after 7 days, after a revocation or beside a newer link."""

from collections.abc import Mapping
from typing import NamedTuple

import httpx
import pytest

from tests.support.app import SECRET, RunningApp
from tests.support.mailbox import redeem, token_in

ADDRESS = "grace@example.org"


class InvitationRoutes(NamedTuple):
    """The routes to invite, resend and revoke; `{}` in a path is the id of the invited user."""

    invite: tuple[str, Mapping[str, object]]
    resend: str
    revoke: str


ROUTES = {
    "platform": InvitationRoutes(
        ("/api/users", {"email": ADDRESS, "name": "Grace"}), "/api/users/{}/invitation", "/api/users/{}"
    ),
    "language": InvitationRoutes(
        ("/api/languages/de/members", {"email": ADDRESS, "roles": ["translator"]}),
        "/api/languages/de/members/{}/invitation",
        "/api/languages/de/members/{}",
    ),
}


class Inviter(NamedTuple):
    """An admin who has invited Grace by one of the routes."""

    app: RunningApp
    client: httpx.AsyncClient
    routes: InvitationRoutes

    async def path(self, template: str) -> str:
        query = "SELECT id FROM users WHERE email = $1"
        return template.format(await self.app.resources.database.pool.fetchval(query, ADDRESS))

    async def resend(self) -> str:
        """Resend the invitation. Returns the token of the mail."""
        answer = await self.client.post(await self.path(self.routes.resend))
        assert answer.is_success, answer.text
        return await self.last_token()

    async def last_token(self) -> str:
        message = (await self.app.mails())[-1]
        assert message["To"] == ADDRESS
        return token_in(message)

    async def revoke(self) -> None:
        answer = await self.client.delete(await self.path(self.routes.revoke))
        assert answer.status_code == 204, answer.text


@pytest.fixture(params=ROUTES)
async def inviter(request: pytest.FixtureRequest, app: RunningApp) -> Inviter:
    routes: InvitationRoutes = ROUTES[request.param]
    await app.language("de", "German")
    admin = request.param == "platform"
    client = await (app.signed_in(admin=True) if admin else app.signed_in_member("de", "admin"))
    path, body = routes.invite
    answer = await client.post(path, json=body)
    assert answer.is_success, answer.text
    return Inviter(app, client, routes)


async def _with_new_session(inviter: Inviter) -> Inviter:
    """The same inviter with a new session, because the session of the fixture has expired."""
    query = "SELECT id, platform_role FROM users WHERE email = 'ada@example.org'"
    admin = await inviter.app.resources.database.pool.fetchrow(query)
    assert admin
    token = await inviter.app.token(admin["id"], admin=admin["platform_role"] == "admin")
    return inviter._replace(client=inviter.app.with_cookie(token))


async def _accept(app: RunningApp, token: str) -> int:
    """The status of the redemption. Inspecting the link must succeed or fail alike."""
    inspected = (await app.client().post("/api/keys/inspect", json={"token": token})).status_code
    redeemed = (await redeem(app.client(), token=token, name="Grace", secret=SECRET)).status_code
    assert (inspected, redeemed) in {(200, 201), (410, 410)}
    return redeemed


@pytest.mark.parametrize(("seconds", "status"), [(-1, 201), (0, 410), (3600, 410)])
async def test_an_invitation_expires_after_7_days(inviter: Inviter, seconds: int, status: int) -> None:
    token = await inviter.last_token()
    inviter.app.clock.forward(days=7, seconds=seconds)
    assert await _accept(inviter.app, token) == status


async def test_an_expired_invitation_can_be_resent_with_a_new_link(inviter: Inviter) -> None:
    old = await inviter.last_token()
    inviter.app.clock.forward(days=8)
    new = await (await _with_new_session(inviter)).resend()
    assert await _accept(inviter.app, old) == 410
    inviter.app.clock.forward(days=6)
    assert await _accept(inviter.app, new) == 201


async def test_only_the_last_link_of_an_invitation_is_valid(inviter: Inviter) -> None:
    tokens = [await inviter.last_token(), await inviter.resend(), await inviter.resend()]
    assert len(set(tokens)) == 3
    assert [await _accept(inviter.app, token) for token in tokens] == [410, 410, 201]


async def test_revoking_an_invitation_voids_all_its_links(inviter: Inviter) -> None:
    tokens = [await inviter.last_token(), await inviter.resend()]
    resend = await inviter.path(inviter.routes.resend)
    await inviter.revoke()
    assert [await _accept(inviter.app, token) for token in tokens] == [410, 410]
    assert (await inviter.client.post(resend)).status_code == 404
    assert len(await inviter.app.mails()) == 2


async def test_an_accepted_invitation_is_neither_resent_nor_redeemed_again(inviter: Inviter) -> None:
    token = await inviter.last_token()
    assert await _accept(inviter.app, token) == 201
    sent = len(await inviter.app.mails())
    await inviter.client.post(await inviter.path(inviter.routes.resend))
    assert len(await inviter.app.mails()) == sent
    assert await _accept(inviter.app, token) == 410


async def test_suspending_the_invited_user_voids_the_invitation(inviter: Inviter) -> None:
    token = await inviter.last_token()
    root = await inviter.app.signed_in("root@example.org", admin=True)
    suspended = await root.post(await inviter.path("/api/users/{}/suspension"), json={"reason": "Spam"})
    assert suspended.status_code == 204
    assert await _accept(inviter.app, token) == 410


async def test_a_member_without_the_admin_role_cannot_resend_or_revoke_an_invitation(inviter: Inviter) -> None:
    token = await inviter.last_token()
    eve = await inviter.app.signed_in_member("de", "translator", email="eve@example.org")
    resent = await eve.post(await inviter.path(inviter.routes.resend))
    revoked = await eve.delete(await inviter.path(inviter.routes.revoke))
    assert (resent.status_code, revoked.status_code) == (403, 403)
    assert await _accept(inviter.app, token) == 201
