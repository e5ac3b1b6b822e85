"""Audit tampering: whoever has done something wipes the trace of it, through the API or by the service's own SQL."""

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
async def test_no_statement_of_the_service_could_change_an_event(app: RunningApp, statement: str) -> None:
    root = await app.signed_in(admin=True)

    with pytest.raises(asyncpg.RaiseError, match="audit_events takes no"):
        await app.resources.database.pool.execute(statement)

    assert [event["action"] for event in await items(root, PATH)] == ["session.start"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_the_route_only_reads(app: RunningApp, method: str) -> None:
    root = await app.signed_in(admin=True)

    assert (await root.request(method, PATH)).status_code == 405


async def test_deleting_an_account_leaves_what_it_did_and_what_was_done_to_it(app: RunningApp) -> None:
    root = await app.signed_in("root@example.org", admin=True)
    user_id = await app.user()
    await root.post(f"/api/users/{user_id}/suspension", json={})

    assert (await root.delete(f"/api/users/{user_id}")).status_code == 204

    events = await items(root, PATH, subject=f"user:{user_id}")
    assert [event["action"] for event in events] == ["user.delete", "user.suspend"]
