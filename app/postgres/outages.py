"""Which errors mean that the database is unavailable at the moment: an outage, and no fault of the program."""

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError


class DatabaseReadOnlyError(Exception):
    """The server takes no writes, as after a failover that has made it a standby."""


# No connection in time, a server that is starting or stopping, a server without free connections or memory, a login
# that was changed, a deadlock, a statement that took too long, a server that takes no writes, and what the libraries
# raise on a connection that was cut. `TimeoutError` is an `OSError`.
OUTAGES = (
    OSError,
    PoolTimeoutError,
    DatabaseReadOnlyError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.TransactionTimeoutError,
    asyncpg.InternalClientError,
    asyncpg.InterfaceError,
)

# Kinds of `asyncpg.InterfaceError` for which the caller is to blame. Wrong arguments have no kind of their own.
FAULTS = (ValueError, asyncpg.UnsupportedClientFeatureError, asyncpg.UnsupportedServerFeatureError)
WRONG_ARGUMENTS = "the server expects "


def is_outage(error: BaseException) -> bool:
    """Whether the error, or a cause of it, means that the database is unavailable at the moment.

    Such a request may succeed later. All other errors are faults of the program or of its input.
    """
    return outage_in(error) is not None


def outage_in(error: BaseException) -> BaseException | None:
    """The error, or the innermost of its causes, that is an outage, if any."""
    found: BaseException | None = None
    cause: BaseException | None = error
    while cause is not None:
        found = cause if _is_one(cause) else found
        cause = cause.__cause__
    return found


def reason_of(outage: BaseException) -> str:
    """What a log says of an outage, in one line: the kind and the first line of the message, which has no values."""
    message = (str(outage).splitlines() or [""])[0]
    return f"{type(outage).__name__}: {message}" if message else type(outage).__name__


def _is_one(error: BaseException) -> bool:
    if isinstance(error, DBAPIError):
        return error.connection_invalidated
    if isinstance(error, asyncpg.InterfaceError):
        return not isinstance(error, FAULTS) and not str(error).startswith(WRONG_ARGUMENTS)
    return isinstance(error, OUTAGES)
