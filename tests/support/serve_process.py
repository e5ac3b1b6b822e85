"""`ostiary serve` as a real process."""

import asyncio
import os
import pwd
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import httpx

from tests.support.app import FAST_HASHES

OSTIARY = Path(sys.executable).with_name("ostiary")
PATIENCE_SECONDS = 60
POLL_SECONDS = 0.05

Account = pwd.struct_passwd


def free_port() -> int:
    """A port on which no process listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Service:
    """A process of `ostiary serve`, its environment and its output.

    `account` is the account to run it as, by default that of this process. `environ` are additional settings.
    """

    def __init__(self, data_dir: Path, log_dir: Path, account: Account | None = None, **environ: str) -> None:
        self.port = int(environ.get("PORT", 0)) or free_port()
        self.url = f"http://{environ.get('HOST', '127.0.0.1')}:{self.port}"
        self.pid_file = data_dir / "postgres" / "postmaster.pid"
        own = {"DATA_DIR": str(data_dir), "PORT": str(self.port), "ACCESS_LOG": "off", **FAST_HASHES, **environ}
        inherited = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        self.environ = {**inherited, **own}
        self._account = account
        self._log = log_dir / f"serve-{self.port}"
        with self._log.with_suffix(".out").open("wb") as out, self._log.with_suffix(".err").open("wb") as err:
            self.process = subprocess.Popen(
                [OSTIARY, "serve"], env=self.environ, cwd="/", stdout=out, stderr=err, start_new_session=True,
                user=_user(account), group=_group(account), extra_groups=[] if account else None,
            )  # fmt: skip

    @property
    def out(self) -> list[str]:
        """The lines on standard output until now."""
        return self._log.with_suffix(".out").read_text().splitlines()

    @property
    def err(self) -> list[str]:
        """The lines on standard error until now."""
        return self._log.with_suffix(".err").read_text().splitlines()

    def is_ready(self) -> bool:
        """Whether `/health/ready` answers 200."""
        try:
            return httpx.get(f"{self.url}/health/ready", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def wait_until_ready(self) -> None:
        """Wait until the service is ready. Fails if it exits before."""
        # Only after its first line of output: until then, a worker of a killed service may answer on the port.
        wait_for(lambda: self.process.poll() is not None or (len(self.out) > 0 and self.is_ready()))
        assert self.process.poll() is None, self.err

    def stop(self, number: int = signal.SIGINT) -> int:
        """Send a signal to the service and its workers, like a terminal. Returns the exit code."""
        os.killpg(self.process.pid, number)
        return self.process.wait(PATIENCE_SECONDS)

    def command(self, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        """Run another `ostiary` command with the environment of this service."""
        return subprocess.run(
            [OSTIARY, *arguments], env=self.environ, cwd="/", capture_output=True, text=True, check=False,
            timeout=PATIENCE_SECONDS,
            user=_user(self._account), group=_group(self._account), extra_groups=[] if self._account else None,
        )  # fmt: skip

    def database_pid(self) -> int:
        """The pid of the embedded PostgreSQL."""
        return int(self.pid_file.read_text().split()[0])


@contextmanager
def serving(data_dir: Path, log_dir: Path, account: Account | None = None, **environ: str) -> Iterator[Service]:
    """A service that is ready. It is stopped at the end of the context, unless the test has stopped it."""
    service = Service(data_dir, log_dir, account, **environ)
    try:
        service.wait_until_ready()
        yield service
    finally:
        if service.process.poll() is None:
            service.stop(signal.SIGTERM)


@asynccontextmanager
async def serving_beside(data_dir: Path, log_dir: Path, **environ: str) -> AsyncIterator[Service]:
    """Like `serving`, without blocking the event loop, in which for example a mail server of the test runs."""
    starting = serving(data_dir, log_dir, None, **environ)
    service = await asyncio.to_thread(starting.__enter__)
    try:
        yield service
    finally:
        await asyncio.to_thread(starting.__exit__, None, None, None)


def wait_for(condition: Callable[[], bool], patience: float = PATIENCE_SECONDS) -> None:
    """Wait until the condition holds. Fails after so many seconds."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"still waiting after {patience} s"
        time.sleep(POLL_SECONDS)


@contextmanager
def frozen(pids: list[int]) -> Iterator[None]:
    """Stop these processes as if their machine hung, while the context lasts."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def is_alive(pid: int) -> bool:
    """Whether this process runs. A zombie, whose parent has not waited for it, does not."""
    state, _ = _status(pid)
    return state not in {"", "Z"}


def parent_of(pid: int) -> int:
    """The pid of the parent of this process. 0 if the process does not exist."""
    return int(_status(pid)[1])


def descendants_of(pid: int) -> list[int]:
    """The pids of the running processes that this process has started, directly or not."""
    by_parent: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        by_parent.setdefault(parent_of(int(entry.name)), []).append(int(entry.name))
    found = [pid]
    for each in found:
        found += by_parent.get(each, [])
    return [each for each in found[1:] if is_alive(each)]


def _status(pid: int) -> tuple[str, str]:
    """State and parent pid (proc(5)), which follow the name of the program, in parentheses."""
    try:
        state, parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
    except (FileNotFoundError, ProcessLookupError):
        return "", "0"
    return state, parent


def _user(account: Account | None) -> int | None:
    return account.pw_uid if account else None


def _group(account: Account | None) -> int | None:
    return account.pw_gid if account else None
