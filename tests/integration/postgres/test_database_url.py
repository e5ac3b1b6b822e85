"""The URLs of managed databases connect: over TLS, with several hosts, and with parameters of other drivers."""

import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest
from sqlalchemy import text

from app.postgres.database import Database
from tests.support.pgbouncer import pgbouncer
from tests.support.serve_process import free_port
from tests.support.tls import certificate_for


@contextmanager
def silent_port() -> Iterator[int]:
    """A port that takes connections and never answers, as a hanging machine does."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.fixture(scope="module")
def tls_url(database_url: str) -> Iterator[str]:
    """The URL of a PostgreSQL over TCP that takes TLS alone, and the file of its certificate, in `sslrootcert`."""
    with tempfile.TemporaryDirectory(prefix="ostiary-test-") as directory:
        Path(directory).chmod(0o755)
        certificate, key = certificate_for("127.0.0.1", Path(directory))
        key.chmod(0o644)
        tls = {"client_tls_sslmode": "require", "client_tls_cert_file": certificate, "client_tls_key_file": key}
        with pgbouncer(database_url, **{name: str(value) for name, value in tls.items()}) as url:
            yield f"{url}?sslrootcert={certificate}"


async def _is_reached(url: str) -> bool:
    async with Database(url, 2).connected() as database, database.transaction() as transaction:
        return bool(await transaction.scalar(text("SELECT true")) and await database.pool.fetchval("SELECT true"))


@pytest.mark.parametrize(
    "parameters",
    [
        "sslmode=verify-full&channel_binding=require&pgbouncer=true",
        "sslmode=verify-ca&connect_timeout=10&application_name=auth&pgbouncer=true",
        "sslmode=require&gssencmode=disable&keepalives=1&sslsni=1&pgbouncer=true",
        "ssl=true&connection_limit=1&pgbouncer=true",
        "sslmode=require&sslaccept=strict&pgbouncer=true",
        "sslmode=require&hostaddr=127.0.0.1&pgbouncer=true",
    ],
)
async def test_a_database_is_reached_over_tls(tls_url: str, parameters: str) -> None:
    assert await _is_reached(f"{tls_url}&{parameters}")


@pytest.mark.parametrize(
    "parameters",
    ["sslmode=disable", "sslmode=verify-full&sslrootcert=system", "channel_binding=require&sslrootcert=system"],
)
async def test_a_server_that_cannot_be_trusted_is_refused(tls_url: str, parameters: str) -> None:
    with pytest.raises((OSError, asyncpg.PostgresError)):
        await _is_reached(f"{tls_url}&{parameters}&pgbouncer=true")


async def test_the_first_of_several_hosts_that_serves_is_used(database_url: str) -> None:
    with pgbouncer(database_url) as url, silent_port() as silent:
        several = url.replace("127.0.0.1:", f"127.0.0.1:{free_port()},127.0.0.1:{silent},127.0.0.1:")
        assert await _is_reached(f"{several}?connect_timeout=1&pgbouncer=true")


async def test_of_several_hosts_none_that_takes_no_writes_is_used(database_url: str) -> None:
    parts = urlsplit(database_url)
    names = parse_qs(parts.query).get("host", [str(parts.hostname)])[0]
    user, port = parts.username or "postgres", parts.port or 5432
    url = f"postgresql://{user}@{parts.path}?host=/nowhere,{names}&port={port}"
    assert await _is_reached(url)
    with pytest.raises(asyncpg.TargetServerAttributeNotMatched):
        await _is_reached(f"{url}&options=-c%20default_transaction_read_only%3Don")
