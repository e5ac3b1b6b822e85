"""Outages of the database are told from faults of the program, whatever library raises them."""

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.postgres.outages import DatabaseReadOnlyError, is_outage, outage_in, reason_of


@pytest.mark.parametrize(
    "error",
    [
        TimeoutError(),
        ConnectionRefusedError(),
        PoolTimeoutError("QueuePool limit of size 2 overflow 0 reached"),
        DatabaseReadOnlyError(),
        asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        asyncpg.InternalClientError("cannot switch to state 11; another operation (2) is in progress"),
        asyncpg.InterfaceError("cannot perform operation: connection is closed"),
        asyncpg.ReadOnlySQLTransactionError("cannot execute INSERT in a read-only transaction"),
        asyncpg.QueryCanceledError("canceling statement due to statement timeout"),
        asyncpg.TooManyConnectionsError("sorry, too many clients already"),
        asyncpg.CannotConnectNowError("the database system is starting up"),
        asyncpg.AdminShutdownError("terminating connection due to administrator command"),
        asyncpg.InvalidPasswordError("password authentication failed"),
        asyncpg.TargetServerAttributeNotMatched("None of the hosts match"),
    ],
)
def test_an_unavailable_database_is_an_outage(error: Exception) -> None:
    wrapped = DBAPIError("SELECT 1", {}, error)
    wrapped.__cause__ = error
    assert is_outage(error)
    assert is_outage(wrapped)
    assert outage_in(wrapped) is error


@pytest.mark.parametrize(
    "error",
    [
        ValueError(),
        asyncpg.UndefinedTableError("no such table"),
        asyncpg.UniqueViolationError("duplicate key"),
        asyncpg.DataError("invalid input for query argument $1"),
        asyncpg.InterfaceError("the server expects 1 argument for this query, 2 were passed"),
        asyncpg.UnsupportedClientFeatureError("unsupported"),
    ],
)
def test_a_fault_is_no_outage(error: Exception) -> None:
    assert not is_outage(error)
    assert not is_outage(DBAPIError("SELECT 1", {}, error))


def test_a_reason_is_one_line_of_kind_and_message() -> None:
    assert reason_of(ConnectionRefusedError("no\nsecond line")) == "ConnectionRefusedError: no"
    assert reason_of(TimeoutError()) == "TimeoutError"
