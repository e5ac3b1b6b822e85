"""Invitations of a removed admin: what they sent before they lost the right lets their people in afterwards."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import httpx
import pytest

from tests.support.app import SECRET, RunningApp, id_of, items
from tests.support.mailbox import mailed, redeem, token_in
from tests.support.members import PATH, add, member_id
from tests.support.races import at_once

EVE = "eve@example.org"
Loss = Callable[[httpx.AsyncClient, httpx.AsyncClient], Awaitable[httpx.Response]]


@pytest.fixture
async def root(app: RunningApp) -> httpx.AsyncClient:
    """A platform admin."""
    await app.language("de", "German")
    return await app.signed_in("root@example.org", admin=True)


async def suspended(root: httpx.AsyncClient, admin: httpx.AsyncClient) -> httpx.Response:
    return await root.post(f"/api/users/{await id_of(admin)}/suspension", json={})


async def deleted(root: httpx.AsyncClient, admin: httpx.AsyncClient) -> httpx.Response:
    return await root.delete(f"/api/users/{await id_of(admin)}")


async def removed(root: httpx.AsyncClient, admin: httpx.AsyncClient) -> httpx.Response:
    return await root.delete(f"{PATH}/{await id_of(admin)}")


async def without_role(root: httpx.AsyncClient, admin: httpx.AsyncClient) -> httpx.Response:
    return await root.put(f"{PATH}/{await id_of(admin)}", json={"roles": ["translator"]})


async def left(_: httpx.AsyncClient, admin: httpx.AsyncClient) -> httpx.Response:
    return await admin.delete(f"{PATH}/me")


async def no_platform_admin(root: httpx.AsyncClient, admin: httpx.AsyncClient) -> httpx.Response:
    return await root.put(f"/api/users/{await id_of(admin)}/platform-role", json={"role": None})


async def accepted(app: RunningApp, number: int = 0) -> httpx.Response:
    token = token_in([message for message in await app.mails() if message["To"] == EVE][number])
    return await redeem(app.client(), token=token, name="Eve", secret=SECRET)


@pytest.mark.parametrize("loss", [suspended, deleted, removed, without_role, left])
async def test_invitations_by_an_admin_of_the_language_end_with_the_right(
    app: RunningApp, root: httpx.AsyncClient, loss: Loss
) -> None:
    admin = await app.signed_in_member("de", "admin")
    await add(admin, EVE, "admin")
    assert (await loss(root, admin)).is_success

    assert (await accepted(app)).status_code == 410
    assert EVE not in {member["email"] for member in await items(root, PATH)}
    by_mail = await redeem(app.client(), token=token_in(await mailed(app, "sign_in", EVE)))
    assert by_mail.json()["memberships"] == []


@pytest.mark.parametrize("loss", [suspended, deleted, no_platform_admin])
async def test_invitations_by_a_platform_admin_end_with_the_right(
    app: RunningApp, root: httpx.AsyncClient, loss: Loss
) -> None:
    admin = await app.signed_in(admin=True)
    await admin.post("/api/users", json={"email": EVE, "name": "Eve"})
    await add(admin, EVE, "translator")
    assert (await loss(root, admin)).is_success
    assert [(await accepted(app, number)).status_code for number in range(2)] == [410, 410]
    assert await items(root, PATH) == []


async def test_a_right_that_stays_keeps_its_invitations(app: RunningApp, root: httpx.AsyncClient) -> None:
    await app.language("da", "Danish")
    admin = await app.signed_in(admin=True)
    for code in ("de", "da"):
        await app.member(UUID(await id_of(admin)), code, "admin")
        await add(admin, EVE, code=code)
    assert (await removed(root, admin)).is_success
    assert (await no_platform_admin(root, admin)).is_success
    assert [(await accepted(app, number)).status_code for number in range(2)] == [410, 201]


async def test_people_who_have_accepted_and_people_with_an_account_stay(
    app: RunningApp, root: httpx.AsyncClient
) -> None:
    grace = await app.signed_in("grace@example.org")
    admin = await app.signed_in_member("de", "admin")
    await add(admin, EVE)
    await add(admin, "grace@example.org")
    assert (await accepted(app)).status_code == 201
    await suspended(root, admin)
    assert {member["email"] for member in await items(root, PATH)} >= {EVE, "grace@example.org"}
    assert (await grace.get("/api/languages/de")).status_code == 200


async def test_an_invitation_that_another_admin_has_sent_again_stays(app: RunningApp, root: httpx.AsyncClient) -> None:
    admin = await app.signed_in_member("de", "admin")
    await add(admin, EVE, "translator")
    await root.post(f"{PATH}/{await member_id(root, EVE)}/invitation")
    await suspended(root, admin)
    assert [(await accepted(app, number)).status_code for number in range(2)] == [410, 201]


async def test_an_invitation_and_the_suspension_of_its_sender_at_once_leave_no_link(
    app: RunningApp, root: httpx.AsyncClient
) -> None:
    for number in range(8):
        admin = await app.signed_in_member("de", "admin", email=f"admin{number}@example.org")
        email = f"eve{number}@example.org"
        await at_once(
            2,
            lambda n: suspended(root, admin) if n else admin.post(PATH, json={"email": email}),  # noqa: B023
        )
    live = "SELECT count(*) FROM keys WHERE purpose = 'invitation' AND used_at IS NULL"
    assert await app.resources.database.pool.fetchval(live) == 0
