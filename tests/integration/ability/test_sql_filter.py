"""`sql_filter` selects the rows that `can` allows, on Postgres.

The property test has 1,260 rows. `OSTIARY_LONG=1` tries 5,000 random rule sets, otherwise 60.
"""

import itertools
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    Uuid,
    delete,
    insert,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from app.ability.ability import Ability, Subject
from app.ability.casl import from_casl
from app.ability.rules import Rule
from app.ability.sql_filter import sql_filter
from tests.support.casl_vectors import PROFILES, SCHEMA, expected_refusal, load_cases, with_null_guards

EXAMPLES = 5_000 if os.environ.get("OSTIARY_LONG") else 60


def temporary_table(name: str, *columns: Column[object]) -> Table:
    return Table(name, MetaData(), *columns, prefixes=["TEMPORARY"])


def attributes_of(row: Mapping[str, object]) -> dict[str, object]:
    """The nested attributes of a row whose column names are dotted paths."""
    attributes: dict[str, object] = {}
    for path, value in row.items():
        *parents, name = path.split(".")
        parent_object = attributes
        for parent in parents:
            nested = parent_object.setdefault(parent, {})
            assert isinstance(nested, dict)
            parent_object = nested
        parent_object[name] = value
    return attributes


def row_of(attributes: Mapping[str, object], columns: Sequence[str]) -> dict[str, object]:
    """The row with these attributes: the opposite of `attributes_of`."""
    row: dict[str, object] = {}
    for path in columns:
        value: object = attributes
        for segment in path.split("."):
            assert isinstance(value, dict)
            value = value[segment]
        row[path] = value
    return row


def columns_of(table: Table) -> dict[str, Column[object]]:
    return {column.name: column for column in table.columns}


@pytest.fixture(scope="session")
async def connection(postgres_url: str) -> AsyncIterator[AsyncConnection]:
    engine = create_async_engine(postgres_url.replace("postgresql://", "postgresql+asyncpg://"), poolclass=NullPool)
    async with engine.connect() as opened:
        yield await opened.execution_options(isolation_level="AUTOCOMMIT")
    await engine.dispose()


async def allowed_ids(
    connection: AsyncConnection, rows: Table, ability: Ability, action: str, subject_type: str
) -> list[int]:
    condition = sql_filter(ability, action, subject_type, columns_of(rows))
    found = await connection.scalars(select(rows.c.id).where(condition).order_by(rows.c.id))
    return list(found)


VECTOR_TABLES = {
    "Language": temporary_table(
        "vector_languages",
        Column("id", Integer),
        Column("code", Text),
        Column("public", Boolean),
        Column("speakers", BigInteger),
        Column("org.id", Integer),
        Column("org.tier", String(10)),
    ),
    "User": temporary_table(
        "vector_users",
        Column("id", Integer),
        Column("email", Text),
        Column("role", Text),
        Column("active", Boolean),
        Column("age", Integer),
        Column("org.id", Integer),
        Column("org.region.code", Text),
    ),
    "Translation": temporary_table(
        "vector_translations",
        Column("id", Integer),
        Column("languageId", Integer),
        Column("authorId", Integer),
        Column("status", Text),
        Column("score", Double),
        Column("org.id", Integer),
        Column("meta.locked", Boolean),
        Column("meta.source.kind", Text),
    ),
}


@pytest.mark.parametrize("profile", PROFILES)
async def test_the_filter_selects_the_rows_that_casl_allows(connection: AsyncConnection, profile: str) -> None:
    filters, filters_with_schema = 0, 0
    for case in load_cases(profile):
        abilities = [Ability(from_casl(case.rules))]
        if expected_refusal(with_null_guards(case)) is None:
            abilities.append(Ability(with_null_guards(case), SCHEMA))
        for subject_type, rows in VECTOR_TABLES.items():
            await connection.run_sync(rows.create, checkfirst=True)
            await connection.execute(delete(rows))
            names = list(columns_of(rows))
            await connection.execute(insert(rows), [row_of(row, names) for row in case.rows[subject_type]])
        for query, ability in itertools.product(case.queries, abilities):
            rows = VECTOR_TABLES[query.subject_type]
            found = await allowed_ids(connection, rows, ability, query.action, query.subject_type)
            assert found == sorted(query.allowed_ids), f"case {case.case}: {query}"
            filters += ability.schema is None
            filters_with_schema += ability.schema is not None
    assert filters > 700
    assert filters_with_schema > 300


def test_the_tables_have_a_column_for_every_attribute_of_the_schema() -> None:
    assert {subject_type: set(columns_of(rows)) for subject_type, rows in VECTOR_TABLES.items()} == {
        subject_type: set(attributes) for subject_type, attributes in SCHEMA.subjects.items()
    }


OWNER_IDS = [UUID(int=1), UUID(int=2)]
DOCUMENTS = temporary_table(
    "documents",
    Column("id", Integer),
    Column("code", Text),
    Column("ratio", Double),
    Column("public", Boolean),
    Column("ownerId", Uuid),
    Column("org.size", Integer),
)
COLUMN_VALUES: Mapping[str, Sequence[object]] = {
    "code": [None, "", "a", "B", "\u00e9", "\uffee", "\U0001f600"],
    "ratio": [None, 0.0, 0.5, 1.0],
    "public": [None, True, False],
    "ownerId": [None, *OWNER_IDS],
    "org.size": [None, -1, 0, 1, 2],
}
# Every combination of values and nulls: each random rule set is tried on all of them.
ROWS = [
    {"id": number, **dict(zip(COLUMN_VALUES, cells, strict=True))}
    for number, cells in enumerate(itertools.product(*COLUMN_VALUES.values()))
]
SUBJECTS = {row["id"]: Subject("Document", attributes_of(row)) for row in ROWS}

values: Mapping[str, st.SearchStrategy[object]] = {
    "code": st.sampled_from([*COLUMN_VALUES["code"], "z", 1, True]),
    "ratio": st.sampled_from([*COLUMN_VALUES["ratio"], 0, 2, "1", False]),
    "public": st.sampled_from([*COLUMN_VALUES["public"], 0, 1, "true"]),
    "ownerId": st.sampled_from(
        [*COLUMN_VALUES["ownerId"], str(OWNER_IDS[0]), UUID(int=0xA), str(UUID(int=0xA)).upper(), 1]
    ),
    "org.size": st.sampled_from([*COLUMN_VALUES["org.size"], 0.5, 1.0, True, "1", 2**40]),
}
ordered_values: Mapping[str, st.SearchStrategy[object]] = {
    "code": st.sampled_from(["", "A", "a", "b", "\u00e9", "\ud7ff", "0", "-5"]),
    "ratio": st.sampled_from([-1, 0, 0.5, 0.25, 1]),
    "org.size": st.sampled_from([-1, 0, 0.5, 1, 2, 2**40]),
}


def operators(path: str) -> st.SearchStrategy[object]:
    value = values[path]
    optional: dict[str, st.SearchStrategy[object]] = {
        "$eq": value,
        "$ne": value,
        "$in": st.lists(value, max_size=3),
        "$nin": st.lists(value, max_size=3),
        "$exists": st.booleans(),
    }
    if path in ordered_values:
        optional |= dict.fromkeys(["$lt", "$lte", "$gt", "$gte"], ordered_values[path])
    several = st.lists(st.sampled_from(sorted(optional)), min_size=1, max_size=2, unique=True)
    return value | several.flatmap(lambda names: st.fixed_dictionaries({name: optional[name] for name in names}))


field_conditions = st.sampled_from(sorted(values)).flatmap(lambda path: st.tuples(st.just(path), operators(path)))
rules = st.builds(
    Rule,
    actions=st.sampled_from([("read",), ("manage",), ("update",)]),
    subjects=st.sampled_from([("Document",), ("all",), ("Language", "Document"), ("Language",)]),
    conditions=st.none() | st.lists(field_conditions, min_size=1, max_size=2).map(dict),
    fields=st.none() | st.just(("code",)),
    inverted=st.booleans(),
)


@pytest.fixture(scope="session")
async def documents(connection: AsyncConnection) -> AsyncConnection:
    await connection.run_sync(DOCUMENTS.create, checkfirst=True)
    await connection.execute(insert(DOCUMENTS), ROWS)
    return connection


@settings(max_examples=EXAMPLES, deadline=None)
@given(written=st.lists(rules, min_size=1, max_size=6))
async def test_the_filter_selects_the_rows_that_can_allows(documents: AsyncConnection, written: list[Rule]) -> None:
    ability = Ability(written)
    expected = [number for number, subject in SUBJECTS.items() if ability.can("read", subject)]
    assert await allowed_ids(documents, DOCUMENTS, ability, "read", "Document") == expected
