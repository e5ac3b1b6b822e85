"""A Valkey or Redis server for tests, on a port of its own."""

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.serve_process import free_port

PROGRAM = shutil.which("valkey-server") or shutil.which("redis-server")
PATIENCE_SECONDS = 20


class ValkeyServer:
    """A running server without persistence. `url` is its VALKEY_URL."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._port = free_port()
        self.url = f"valkey://127.0.0.1:{self._port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server, or start it again. Returns when it takes connections."""
        assert PROGRAM
        own = ["--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self._directory)]
        self._process = subprocess.Popen([PROGRAM, *own], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._answers():
            assert self._process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def stop(self) -> None:
        """Stop the server, and forget all counters."""
        if self._process:
            self._process.kill()
            self._process.wait(PATIENCE_SECONDS)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Take connections, but answer nothing while the context lasts."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0


@contextmanager
def valkey_server(directory: Path) -> Iterator[ValkeyServer]:
    """A server that runs until the context ends."""
    server = ValkeyServer(directory)
    server.start()
    try:
        yield server
    finally:
        server.stop()
