"""`sql_filter` on timestamps, dates, enums and values in JSON selects the rows that `can` allows, on Postgres.

The attributes of a row are what asyncpg reads from it. `OSTIARY_LONG=1` tries 3,000 random rule sets, otherwise 60.
"""

import enum
import itertools
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Date, DateTime, Enum, Integer, MetaData, Table, insert, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from app.ability.ability import Ability, Subject
from app.ability.rules import Rule
from app.ability.sql_filter import sql_filter

EXAMPLES = 3_000 if os.environ.get("OSTIARY_LONG") else 60


class State(enum.Enum):
    """A state, whose labels in the database are the names, and whose JSON forms are the values."""

    OPEN = "open"
    PAID = "paid"


class Rank(enum.IntEnum):
    """A rank, whose JSON forms are numbers."""

    LOW = 1
    HIGH = 2


MIDNIGHT = datetime(2026, 1, 1, tzinfo=UTC)
EVENTS = Table(
    "events",
    MetaData(),
    Column("id", Integer),
    Column("at", DateTime(timezone=True)),
    Column("local", DateTime),
    Column("day", Date),
    Column("state", Enum(State, name="event_state")),
    Column("rank", Enum(Rank, native_enum=False)),
    Column("mood", Enum("calm", "wild", name="event_mood")),
    Column("data", JSONB(none_as_null=True)),
    prefixes=["TEMPORARY"],
)
VALUES: Mapping[str, Sequence[object]] = {
    "at": [None, *(MIDNIGHT + timedelta(microseconds=step) for step in (-1, 0, 1, 500_000, 999_999, 1_000_000))],
    "local": [None, datetime(2026, 1, 1), datetime(2026, 1, 1, microsecond=5)],  # noqa: DTZ001 # without a time zone
    "day": [None, date(2025, 12, 31), date(2026, 1, 1)],
    "state": [None, *State],
    "rank": [None, *Rank],
    "mood": [None, "calm", "wild"],
    "data": [{"kind": kind} for kind in (None, "a")],
}
# Every combination of two columns; the other columns have the first of their values.
CELLS = [
    {path: cells.get(path, of_path[0]) for path, of_path in VALUES.items()}
    for pair in itertools.combinations(VALUES, 2)
    for cells in (
        dict(zip(pair, values, strict=True)) for values in itertools.product(*(VALUES[path] for path in pair))
    )
]
ROWS = [{"id": number, **cells} for number, cells in enumerate(CELLS)]
COLUMNS = {
    **{column.name: column for column in EVENTS.columns if column.name != "data"},
    "data.kind": EVENTS.c.data["kind"].as_string(),
}
JSON_FORMS: Mapping[str, Sequence[object]] = {
    "at": [
        None, 1, MIDNIGHT, "2025-12-31T23:59:59.999999Z", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000001Z",
        "2026-01-01T00:00:00.500000Z", "2026-01-01T00:00:01Z", "9999-12-31T23:59:59Z",
    ],
    "local": [None, True, "2026-01-01T00:00:00", "2026-01-01T00:00:00.000005", "2026-01-01T00:00:00.000001"],
    "day": [None, 1, "2025-12-31", "2026-01-01", "0001-01-01"],
    "state": [None, "open", "paid", "OPEN", 1],
    "rank": [None, 1, 2, 3, "1", True],
    "mood": [None, "calm", "wild", "CALM", 1],
    "data.kind": [None, "a", "b", 1],
}  # fmt: skip
ORDERED = frozenset({"at", "local", "day"})


def operators(path: str) -> st.SearchStrategy[object]:
    value = st.sampled_from(JSON_FORMS[path])
    known: dict[str, st.SearchStrategy[object]] = {
        "$eq": value,
        "$ne": value,
        "$in": st.lists(value, max_size=3),
        "$nin": st.lists(value, max_size=3),
    }
    if path in ORDERED:
        times = st.sampled_from([form for form in JSON_FORMS[path] if isinstance(form, str)])
        known |= dict.fromkeys(["$lt", "$lte", "$gt", "$gte"], times)
    several = st.lists(st.sampled_from(sorted(known)), min_size=1, max_size=2, unique=True)
    return value | several.flatmap(lambda names: st.fixed_dictionaries({name: known[name] for name in names}))


conditions = st.sampled_from(sorted(JSON_FORMS)).flatmap(lambda path: st.tuples(st.just(path), operators(path)))
rules = st.builds(
    Rule,
    actions=st.just(("read",)),
    subjects=st.just(("Event",)),
    conditions=st.lists(conditions, min_size=1, max_size=2).map(dict),
    inverted=st.booleans(),
)


@pytest.fixture(scope="session")
async def events(postgres_url: str) -> AsyncIterator[tuple[AsyncConnection, Mapping[int, Subject]]]:
    """The rows in the database, and each as the subject that `can` is asked about: as it is read."""
    engine = create_async_engine(postgres_url.replace("postgresql://", "postgresql+asyncpg://"), poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.execute(text("SET TIME ZONE 'Asia/Kathmandu'"))
        await connection.run_sync(EVENTS.create)
        await connection.execute(insert(EVENTS), ROWS)
        read = (await connection.execute(select(EVENTS))).mappings()
        yield connection, {row["id"]: Subject("Event", dict(row)) for row in read}
    await engine.dispose()


async def selected(connection: AsyncConnection, *written: Rule) -> list[int]:
    condition = sql_filter(Ability(written), "read", "Event", COLUMNS)
    return list(await connection.scalars(select(EVENTS.c.id).where(condition).order_by(EVENTS.c.id)))


@settings(max_examples=EXAMPLES, deadline=None)
@given(written=st.lists(rules, min_size=1, max_size=4))
async def test_the_filter_selects_the_rows_that_can_allows(
    events: tuple[AsyncConnection, Mapping[int, Subject]], written: list[Rule]
) -> None:
    connection, subjects = events
    ability = Ability(written)
    expected = [number for number, subject in sorted(subjects.items()) if ability.can("read", subject)]
    assert await selected(connection, *written) == expected


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({"at": MIDNIGHT}, {MIDNIGHT}),
        ({"at": MIDNIGHT.astimezone(timezone(timedelta()))}, {MIDNIGHT}),
        ({"at": {"$gte": "2026-01-01T00:00:00.500000Z", "$ne": "2026-01-01T00:00:00Z"}}, set(VALUES["at"][4:])),
    ],
)
async def test_a_condition_on_a_timestamp_selects_its_rows(
    events: tuple[AsyncConnection, Mapping[int, Subject]], conditions: dict[str, object], expected: set[object]
) -> None:
    connection, subjects = events
    found = await selected(connection, Rule(("read",), ("Event",), conditions))
    assert {subjects[number].attributes["at"] for number in found} == expected
