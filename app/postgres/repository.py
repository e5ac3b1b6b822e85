"""The base of every repository: SQL on one table, inside one transaction."""

from typing import TypeVar

from advanced_alchemy.repository import SQLAlchemyAsyncRepository
from sqlalchemy.ext.asyncio import AsyncSession

from app.postgres.base import Base

Model = TypeVar("Model", bound=Base)


class Repository(SQLAlchemyAsyncRepository[Model]):
    """SQL on the table of `model_type`, inside the transaction that the repository is given."""

    def __init__(self, transaction: AsyncSession) -> None:
        super().__init__(session=transaction)
