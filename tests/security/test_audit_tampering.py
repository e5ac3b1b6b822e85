"""Audit log tampering: an attacker changes or deletes audit events through the API or with SQL of the service."""

import asyncpg
import pytest

from tests.support.app import RunningApp, items

PATH = "/api/audit-events"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_events SET actor_id = NULL",
        "DELETE FROM audit_events",
        "DELETE FROM audit_events WHERE false",
        "TRUNCATE audit_events",
    ],
)
async def test_the_database_refuses_statements_that_change_audit_events(app: RunningApp, statement: str) -> None:
    root = await app.signed_in(admin=True)

    with pytest.raises(asyncpg.RaiseError, match="audit_events takes no"):
        await app.resources.database.pool.execute(statement)

    assert [event["action"] for event in await items(root, PATH)] == ["session.start"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_the_route_of_audit_events_accepts_no_unsafe_method(app: RunningApp, method: str) -> None:
    root = await app.signed_in(admin=True)

    assert (await root.request(method, PATH)).status_code == 405


async def test_deleting_an_account_keeps_its_audit_events(app: RunningApp) -> None:
    root = await app.signed_in("root@example.org", admin=True)
    user_id = await app.user()
    await root.post(f"/api/users/{user_id}/suspension", json={})

    assert (await root.delete(f"/api/users/{user_id}")).status_code == 204

    events = await items(root, PATH, subject=f"user:{user_id}")
    assert [event["action"] for event in events] == ["user.delete", "user.suspend"]
