"""The base of every repository: the SQL on one table, inside the transaction that the repository is given."""

from advanced_alchemy.repository import SQLAlchemyAsyncRepository
from advanced_alchemy.repository.typing import ModelT
from sqlalchemy.ext.asyncio import AsyncSession


class Repository(SQLAlchemyAsyncRepository[ModelT]):
    """A subclass names its table in `model_type`, and is made for one transaction: `UserRepository(transaction)`.

    Statements run on `self.session`. The repository neither commits nor rolls back: the transaction's owner does.
    """

    def __init__(self, transaction: AsyncSession) -> None:
        super().__init__(session=transaction)
