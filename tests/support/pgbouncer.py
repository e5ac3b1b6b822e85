"""PgBouncer in transaction mode in front of the test's PostgreSQL, on a port of its own."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.serve_process import free_port, wait_for

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")

# Few connections to the server, so that the clients share them, and each transaction may run on another one.
CONFIGURATION = """
[databases]
* = {server}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
max_client_conn = 200
"""


@contextmanager
def pgbouncer(database_url: str, **configured: str) -> Iterator[str]:
    """Run PgBouncer while the context lasts. Yields the URL of the same database through it.

    `configured` are further lines of its configuration.
    """
    if PROGRAM is None:
        pytest.skip("pgbouncer is not installed (Debian: apt-get install pgbouncer)")
    url = urlsplit(database_url)
    socket_dir = parse_qs(url.query).get("host", [""])[0]
    server = f"host={socket_dir or url.hostname} port={url.port or 5432} user={url.username or 'postgres'}"
    if url.password:
        server += f" password={url.password}"
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="ostiary-test-") as directory:
        Path(directory).chmod(0o711)
        configuration = Path(directory) / "pgbouncer.ini"
        configuration.write_text(
            CONFIGURATION.format(server=server, port=port)
            + "".join(f"{name} = {value}\n" for name, value in configured.items())
        )
        with subprocess.Popen(
            [PROGRAM, "--quiet", str(configuration)],
            stderr=subprocess.DEVNULL,
            user=_account(Path(socket_dir)) if socket_dir else None,
        ) as process:
            try:
                wait_for(lambda: process.poll() is not None or _listens(port))
                assert process.poll() is None, "pgbouncer did not start"
                yield f"postgresql://postgres@127.0.0.1:{port}{url.path}"
            finally:
                process.terminate()


def _account(socket_dir: Path) -> int | None:
    """The account that may open the server's socket; PgBouncer does not run as root."""
    return next(socket_dir.glob(".s.PGSQL.*[0-9]")).stat().st_uid if os.geteuid() == 0 else None


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
