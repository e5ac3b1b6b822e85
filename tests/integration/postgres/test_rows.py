"""`to_struct` matches columns to fields by name, and refuses a row that does not give every field exactly one value."""

import pytest
from msgspec import Struct
from sqlalchemy import literal, select, text

from app.domain.users.models import User
from app.postgres.rows import to_struct
from tests.support.app import RunningApp


class Person(Struct, frozen=True):
    name: str
    email: str


class PersonWithDefault(Struct, frozen=True):
    name: str
    email: str = "nobody@example.org"


class OnlyName(Struct, frozen=True):
    name: str


class Kind(Struct, frozen=True):
    """Fields that are called like the parameters of `to_struct`."""

    kind: str
    row: int


ADA = Person("Ada", "ada@example.org")


async def test_a_record_is_read_by_name_whatever_the_order_of_its_columns(app: RunningApp) -> None:
    pool = app.resources.database.pool
    for columns in ("'Ada' AS name, 'ada@example.org' AS email", "'ada@example.org' AS email, 'Ada' AS name"):
        row = await pool.fetchrow(f"SELECT {columns}")
        assert row is not None
        assert to_struct(Person, row) == ADA


async def test_columns_of_a_record_without_a_field_are_ignored(app: RunningApp) -> None:
    row = await app.resources.database.pool.fetchrow(
        "SELECT 1 AS id, 'ada@example.org' AS email, 'Ada' AS name, 2 AS n"
    )
    assert row is not None
    assert to_struct(Person, row) == ADA
    assert to_struct(OnlyName, row) == OnlyName("Ada")


async def test_a_computed_value_takes_precedence_over_the_column(app: RunningApp) -> None:
    row = await app.resources.database.pool.fetchrow("SELECT 'x@example.org' AS email, 'Ada' AS name")
    assert row is not None
    assert to_struct(Person, row, email="ada@example.org") == ADA
    assert to_struct(Person, row, email="ada@example.org", name="Eve") == Person("Eve", "ada@example.org")
    assert to_struct(Kind, row, row=1, kind="x") == Kind("x", 1)


async def test_a_record_without_a_column_for_a_field_is_refused_although_the_field_has_a_default(
    app: RunningApp,
) -> None:
    row = await app.resources.database.pool.fetchrow("SELECT 'Ada' AS name, 'ada@example.org' AS mail")
    assert row is not None
    with pytest.raises(TypeError, match=r"^PersonWithDefault.email: the row has 0 columns of this name, not one$"):
        to_struct(PersonWithDefault, row)


async def test_a_record_with_two_columns_of_the_same_name_is_refused_unless_the_name_is_not_read(
    app: RunningApp,
) -> None:
    row = await app.resources.database.pool.fetchrow("SELECT 'Ada' AS name, 'ada@example.org' AS email, 'Eve' AS name")
    assert row is not None
    with pytest.raises(TypeError, match=r"^Person.name: the row has 2 columns of this name, not one$"):
        to_struct(Person, row)
    assert to_struct(Person, row, name="Ada") == ADA


async def test_a_computed_value_without_a_field_is_refused(app: RunningApp) -> None:
    row = await app.resources.database.pool.fetchrow("SELECT 'Ada' AS name, 'ada@example.org' AS email")
    assert row is not None
    with pytest.raises(TypeError, match=r"^Person has no field age$"):
        to_struct(Person, row, age=36)
    with pytest.raises(TypeError, match="age"):
        to_struct(Person, User(email="ada@example.org", name="Ada"), age=36)


async def test_a_row_of_sqlalchemy_is_read_by_name(app: RunningApp) -> None:
    async with app.resources.database.transaction() as transaction:
        statement = select(
            literal(1).label("id"), literal("ada@example.org").label("email"), literal("Ada").label("name")
        )
        row = (await transaction.execute(statement)).one()
        assert to_struct(Person, row) == ADA
        assert to_struct(Person, row, name="Eve") == Person("Eve", "ada@example.org")
        # `count` is a method of the row too.
        counted = (await transaction.execute(text("SELECT 'x' AS kind, 3 AS row"))).one()
        assert to_struct(Kind, counted) == Kind("x", 3)


@pytest.mark.parametrize(
    ("statement", "columns"),
    [("SELECT 'Ada' AS name", 0), ("SELECT 'Ada' AS name, 'ada@example.org' AS email, 'eve@example.org' AS email", 2)],
)
async def test_a_row_of_sqlalchemy_with_a_missing_or_ambiguous_column_is_refused(
    app: RunningApp, statement: str, columns: int
) -> None:
    async with app.resources.database.transaction() as transaction:
        row = (await transaction.execute(text(statement))).one()
        with pytest.raises(TypeError, match=f"^PersonWithDefault.email: the row has {columns} columns of this name"):
            to_struct(PersonWithDefault, row)


async def test_a_row_of_sqlalchemy_with_a_column_without_a_name_is_refused(app: RunningApp) -> None:
    await app.user("ada@example.org")
    async with app.resources.database.transaction() as transaction:
        row = (await transaction.execute(select(User, text("3"), User.name))).one()
        with pytest.raises(TypeError, match=r"^OnlyName: a column of the row has no name$"):
            to_struct(OnlyName, row)


async def test_an_orm_object_is_read_by_attribute_and_its_other_attributes_are_ignored(app: RunningApp) -> None:
    user_id = await app.user("ada@example.org", name="Ada")
    async with app.resources.database.transaction() as transaction:
        user = await transaction.get_one(User, user_id)
    assert to_struct(Person, user) == ADA
    assert to_struct(Person, user, name="Eve") == Person("Eve", "ada@example.org")


async def test_an_orm_object_without_an_attribute_for_a_field_is_refused() -> None:
    with pytest.raises(AttributeError, match="row"):
        to_struct(Kind, User(email="ada@example.org", name="Ada"))
