"""What the domains share in one process: the first thing that `asgi.py` and the commands make."""

from msgspec import Struct

from app.auth.cookies import SessionCookie, cookie_for
from app.auth.passwords.hasher import SecretHasher
from app.background import Background
from app.clock import Clock
from app.jobs.queue import JobQueue
from app.mail.mailer import Mailer
from app.mail.transports import transport_for
from app.postgres.database import Database
from app.postgres.kept_rows import KeptRows
from app.rate_limits import RateLimits, rate_limits_for
from app.secret_key import SecretKey
from app.settings.model import Settings

# How many single rows each worker keeps in memory beside principals. ISO 639-3 has some 8,000 languages.
ROWS_KEPT = 10_000


class Resources(Struct, frozen=True):
    """The settings, the clock, and everything that reaches outside the process.

    Functions of the domains take this value as a parameter, after the actor if they have one. Routes take it as their
    only dependency, `resources`: with two dependencies Litestar opens a task group in each request. `kept_rows` are by
    the notification of their change, such as `language de`.
    """

    settings: Settings
    clock: Clock
    database: Database
    secret_key: SecretKey
    jobs: JobQueue
    mail: Mailer
    hasher: SecretHasher
    rate_limits: RateLimits
    cookie: SessionCookie
    background: Background
    kept_rows: KeptRows[str, Struct | None]

    async def close(self) -> None:
        """Stop the processes and close the connections that were opened here. The database has a context of its own."""
        await self.hasher.close()
        await self.rate_limits.close()


def make_resources(settings: Settings, database: Database, clock: Clock, *, keep_rows: bool = False) -> Resources:
    """The resources of one process. Nothing is connected or started before its first use.

    With `keep_rows`, rows are kept in memory as the setting PRINCIPAL_CACHE says: for a process that serves requests.
    """
    secret_key = SecretKey(settings)
    jobs = JobQueue(clock, secret_key)
    return Resources(
        settings=settings,
        clock=clock,
        database=database,
        secret_key=secret_key,
        jobs=jobs,
        mail=Mailer(clock, settings, jobs, transport_for(settings)),
        hasher=SecretHasher(settings),
        rate_limits=rate_limits_for(settings, database, clock),
        cookie=cookie_for(settings),
        background=Background(),
        kept_rows=KeptRows(database, ROWS_KEPT if keep_rows and settings.principal_cache else 0),
    )
