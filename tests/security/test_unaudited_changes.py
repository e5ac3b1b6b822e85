"""Missing audit trail: a role change, a sign-in or the use of a link leaves no audit event."""

from tests.support.app import CREDENTIALS, RunningApp, id_of, items
from tests.support.mailbox import mailed, redeem, token_in

PATH = "/api/audit-events"


async def test_granting_and_revoking_a_role_leave_an_audit_event_each_with_the_actor(app: RunningApp) -> None:
    root = await app.signed_in("root@example.org", admin=True)
    user_id = await app.user()
    await app.language("de")
    await app.member(user_id, "de")
    for role in ("admin", None):
        await root.put(f"/api/users/{user_id}/platform-role", json={"role": role})
    for roles in (["admin"], []):
        await root.put(f"/api/languages/de/members/{user_id}", json={"roles": roles})

    events = await items(root, PATH, subject=f"user:{user_id}")

    assert [(event["action"], event["detail"].get("roles")) for event in reversed(events)] == [
        ("user.grant_admin", None), ("user.revoke_admin", None), ("member.set_roles", ["admin"]),
        ("member.set_roles", []),
    ]  # fmt: skip
    assert {event["actorId"] for event in events} == {await id_of(root)}


async def test_every_sign_in_leaves_an_audit_event_with_the_ip_address(app: RunningApp) -> None:
    root = await app.signed_in("root@example.org", admin=True)
    user_id = await app.user()
    await app.client(ip="203.0.113.1").post("/api/session", json=CREDENTIALS)
    await redeem(app.client(ip="203.0.113.2"), token=token_in(await mailed(app, "sign_in")))

    events = await items(root, PATH, subject=f"user:{user_id}", action="session.start")

    assert [(event["detail"]["method"], event["ip"]) for event in events] == [
        ("link", "203.0.113.2"), ("password", "203.0.113.1"),
    ]  # fmt: skip


async def test_the_use_of_a_link_leaves_an_audit_event_with_the_ip_address(app: RunningApp) -> None:
    root = await app.signed_in("root@example.org", admin=True)
    await app.user()
    await redeem(app.client(ip="203.0.113.66"), token=token_in(await mailed(app, "sign_in")))

    (event,) = await items(root, PATH, action="key.use")

    assert (event["ip"], event["actorId"], event["detail"]) == ("203.0.113.66", None, {"purpose": "sign_in"})
