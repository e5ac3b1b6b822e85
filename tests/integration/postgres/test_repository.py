"""A repository works inside the transaction that it is given."""

from contextlib import suppress
from uuid import UUID

import pytest
from advanced_alchemy.exceptions import NotFoundError

from app.domain.users.models import User
from app.postgres.repository import Repository
from tests.support.app import START, RunningApp


class Users(Repository[User]):
    model_type = User


async def test_a_repository_writes_in_its_transaction_and_commits_nothing_itself(app: RunningApp) -> None:
    user = User(email="ada@example.org", name="Ada", created_at=START, updated_at=START)
    with suppress(ZeroDivisionError):
        async with app.resources.database.transaction() as transaction:
            added = await Users(transaction).add(user)
            assert await Users(transaction).get(added.id) is added
            raise ZeroDivisionError
    async with app.resources.database.transaction() as transaction:
        assert await Users(transaction).count() == 0


async def test_a_repository_raises_not_found_for_an_unknown_id(app: RunningApp) -> None:
    async with app.resources.database.transaction() as transaction:
        with pytest.raises(NotFoundError):
            await Users(transaction).get(UUID(int=0))
