"""The processes under measurement: start, CPU time and memory, from /proc."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.request import urlopen

START_SECONDS = 30
TICKS = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
# Fields of /proc/PID/stat, counted behind the name of the program.
PARENT, USER_TICKS, SYSTEM_TICKS, RESIDENT_PAGES = 1, 11, 12, 21


class Running(NamedTuple):
    """A service that answers at `url`."""

    url: str
    pid: int

    def cpu_seconds(self) -> float:
        """The CPU time of the service's processes so far, of user and system."""
        return sum(int(stat[USER_TICKS]) + int(stat[SYSTEM_TICKS]) for stat in self._stats()) / TICKS

    def memory_bytes(self) -> int:
        """The resident memory of the service's processes. What they share counts once for each."""
        return sum(int(stat[RESIDENT_PAGES]) for stat in self._stats()) * PAGE_BYTES

    def worker_memory_bytes(self) -> int:
        """The resident memory of the worker alone: the largest process that the first one has started."""
        return max(int(stat[RESIDENT_PAGES]) for stat in self._stats()[1:]) * PAGE_BYTES

    def _stats(self) -> list[list[str]]:
        stats = {}
        for file in Path("/proc").glob("[0-9]*/stat"):
            try:
                stats[int(file.parent.name)] = file.read_text().rpartition(")")[2].split()
            except OSError:  # ended meanwhile
                continue
        family = [self.pid]
        for pid in family:
            family += [other for other, stat in stats.items() if int(stat[PARENT]) == pid]
        return [stats[pid] for pid in family]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: Sequence[str], settings: Mapping[str, str], probe: str, directory: Path) -> Iterator[Running]:
    """Start a service, which reads PORT from its environment; it has started when it answers on the path `probe`.

    Its log is a file in `directory`. Raises `RuntimeError` with the end of the log if it does not start.
    """
    port = _free_port()
    log = directory / f"server-{port}.log"
    environ = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "PORT": str(port), **settings}
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environ, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(process, f"{url}{probe}", log)
            yield Running(url, process.pid)
        finally:
            process.terminate()
            process.wait()


def _wait(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urlopen(url, timeout=1):
                return
        except HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"a service did not start:\n{log.read_text()[-2000:]}")
