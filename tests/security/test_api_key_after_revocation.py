"""API keys that go on working after they, or their account, are revoked, expired, suspended or deleted."""

import time
from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest

from app.audit import OPERATOR
from app.domain.flows.administer_users import delete_user, restore_user, suspend_user
from app.domain.service_accounts.service import list_api_keys, revoke_api_key
from tests.support.app import RunningApp
from tests.support.two_workers import two_workers, within

End = Callable[[RunningApp, UUID], Awaitable[object]]
REVOKED_SECONDS = 1.0


async def _revoke(app: RunningApp, account_id: UUID) -> None:
    (key,) = await list_api_keys(app.resources, account_id, None, 10)
    await revoke_api_key(OPERATOR, app.resources, account_id, key.id)


ENDS: dict[str, End] = {
    "revoked": _revoke,
    "suspended": lambda app, account: suspend_user(OPERATOR, app.resources, account),
    "deleted": lambda app, account: delete_user(OPERATOR, app.resources, account),
    "revoked by SQL": lambda app, _: app.execute("DELETE FROM keys"),
    "expired by SQL": lambda app, _: app.execute("UPDATE keys SET expires_at = '2026-06-01'"),
    "replaced by SQL": lambda app, _: app.execute("UPDATE keys SET identifier = 'another'"),
    "suspended by SQL": lambda app, _: app.execute("UPDATE users SET status = 'suspended'"),
    "deleted by SQL": lambda app, _: app.execute("DELETE FROM users"),
    "truncated": lambda app, _: app.execute("TRUNCATE keys"),
}


@pytest.mark.parametrize("end", ENDS)
async def test_a_key_in_use_stops_working_at_once(app: RunningApp, end: str) -> None:
    account_id = await app.service_account()
    program = app.with_key(await app.api_key(account_id))
    for _ in range(2):
        assert (await program.get("/api/users/me")).status_code == 200

    await ENDS[end](app, account_id)

    assert (await program.get("/api/users/me")).status_code == 401
    assert (await program.get("/api/session")).json()["user"] is None


async def test_a_restored_account_uses_its_keys_again_and_a_revoked_one_stays_so(app: RunningApp) -> None:
    account_id = await app.service_account()
    program = app.with_key(await app.api_key(account_id))
    await suspend_user(OPERATOR, app.resources, account_id)
    assert (await program.get("/api/users/me")).status_code == 401
    await restore_user(OPERATOR, app.resources, account_id)
    assert (await program.get("/api/users/me")).status_code == 200
    await _revoke(app, account_id)
    await restore_user(OPERATOR, app.resources, account_id)
    assert (await program.get("/api/users/me")).status_code == 401


async def test_a_lost_membership_counts_from_the_next_request(app: RunningApp) -> None:
    await app.language("de")
    account_id = await app.service_account()
    await app.member(account_id, "de")
    program = app.with_key(await app.api_key(account_id))
    assert (await program.get("/api/languages/de")).status_code == 200
    await app.execute("DELETE FROM language_members")
    assert (await program.get("/api/languages/de")).status_code == 403
    await app.member(account_id, "de")
    assert (await program.get("/api/languages/de")).status_code == 200


async def test_another_worker_hears_of_a_revocation(server_url: str) -> None:
    async with two_workers(server_url, "revoked_keys") as workers:
        account_id = await workers.app.service_account()
        headers = {"Authorization": f"Bearer {await workers.app.api_key(account_id)}"}

        async def is_refused() -> bool:
            answers = [await worker.ask("GET", "/api/users/me", headers=headers) for worker in workers.both]
            return [answer.status_code for answer in answers] == [401, 401]

        for worker in workers.both:
            assert (await worker.ask("GET", "/api/users/me", headers=headers)).status_code == 200
        admin = await workers.app.token(await workers.app.user(admin=True), admin=True)
        path = f"/api/service-accounts/{account_id}/keys"
        (key,) = (await workers.first.ask("GET", path, admin)).json()["items"]
        assert (await workers.first.ask("DELETE", f"{path}/{key['id']}", admin)).status_code == 204
        assert await within(REVOKED_SECONDS, time.monotonic(), is_refused) < REVOKED_SECONDS
