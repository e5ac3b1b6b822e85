"""Race condition on deletion: an administrator's action on an account that another transaction deletes meanwhile.

The action must neither succeed nor be recorded: an audit event would tell of something that did not happen.
"""

from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

import pytest

from app.audit import OPERATOR, Actor
from app.domain.flows.administer_users import delete_user, restore_user, set_platform_role, suspend_user
from app.domain.keys.service import user_id_of_email
from app.domain.resources import Resources
from app.errors import SubjectNotFound
from tests.support.app import RunningApp
from tests.support.races import queued

DELETE_USER = "DELETE FROM users WHERE id = $1"


async def _make_admin(actor: Actor, resources: Resources, user_id: UUID) -> None:
    await set_platform_role(actor, resources, user_id, "admin")


@pytest.mark.parametrize(
    ("action", "audit_action"),
    [
        (suspend_user, "user.suspend"),
        (restore_user, "user.restore"),
        (_make_admin, "user.grant_admin"),
        (delete_user, "user.delete"),
    ],
)
async def test_an_action_on_an_account_that_is_being_deleted_is_refused_and_not_recorded(
    app: RunningApp, action: Callable[[Actor, Resources, UUID], Coroutine[Any, Any, None]], audit_action: str
) -> None:
    await app.user("eve@example.org")
    pool = app.resources.database.pool
    user_id = await user_id_of_email(app.resources, "eve@example.org")
    status = "suspended" if action is restore_user else "active"
    await pool.execute("UPDATE users SET status = $2 WHERE id = $1", user_id, status)

    async with queued(app, DELETE_USER, user_id) as queue:
        task = await queue.add(action(OPERATOR, app.resources, user_id))
        assert not task.done()

    assert isinstance(task.exception(), SubjectNotFound)
    assert await pool.fetchval("SELECT count(*) FROM audit_events WHERE action = $1", audit_action) == 0
