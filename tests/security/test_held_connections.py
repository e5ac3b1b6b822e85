"""Held connections: sockets that send half a request, read nothing or stay idle must not stop the service.

`OSTIARY_LONG=1` holds 5,000 sockets of each kind, otherwise 1,100: more than Granian accepts by default.
"""

import os
import resource
import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import quantiles

import pytest

from tests.support.app import ORIGIN
from tests.support.serve_process import PATIENCE_SECONDS, Service, serving, wait_for

LONG = bool(os.environ.get("OSTIARY_LONG"))
SOCKETS = 5_000 if LONG else 1_100
READS = 400 if LONG else 30
REQUESTS_MAX = 8
DEADLINE_SECONDS = 60 if LONG else 1
KEEP_ALIVE_SECONDS = 75 if LONG else 2
# Differences of times below this are noise.
NOISE_SECONDS = 0.02
ANSWER_SECONDS = 5
# The soft limit of open files that the service is started with.
OPEN_FILES = 1024

GET = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
LARGE = b"GET /api/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
POST = f"POST /api/session HTTP/1.1\r\nHost: x\r\nOrigin: {ORIGIN}\r\nContent-Type: application/json\r\n".encode()

HELD = {
    "idle before the first request": b"",
    "idle after a request": GET,
    "half a head": b"GET /health/live HTTP/1.1\r\nHost:",
    "a head without its body": POST + b"Content-Length: 50\r\n\r\n{",
    "a chunked body without its end": POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
    "answers that nobody reads": LARGE * 4,
}


@pytest.fixture(scope="module")
def service(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service with few running requests at once and short deadlines. This process may hold as many sockets."""
    directory = tmp_path_factory.mktemp("held")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, before[1]))
    with serving(
        directory,
        directory,
        DATABASE_URL=database_url,
        PUBLIC_URL=ORIGIN,
        REQUESTS_MAX=str(REQUESTS_MAX),
        BODY_TIMEOUT_SECONDS=str(DEADLINE_SECONDS),
        READER_TIMEOUT_SECONDS=str(DEADLINE_SECONDS),
        KEEP_ALIVE_SECONDS=str(KEEP_ALIVE_SECONDS),
    ) as running:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
        yield running
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@contextmanager
def connections(service: Service, count: int, sent: bytes) -> Iterator[list[socket.socket]]:
    """Connections that have sent these bytes, and whose receive buffer is small. They are reset at the end."""
    with ExitStack() as stack:
        opened = []
        for _ in range(count):
            connection = stack.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.settimeout(ANSWER_SECONDS)
            connection.connect(("127.0.0.1", service.port))
            connection.sendall(sent)
            opened.append(connection)
        yield opened


def exchange(service: Service, sent: bytes, patience: float = ANSWER_SECONDS) -> bytes:
    """The first bytes of the answer on a new connection."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=patience) as connection:
        connection.sendall(sent)
        return connection.recv(65536)


def is_quick(service: Service) -> bool:
    """Whether an answer takes so little time that the service has nothing else to do."""
    started = time.perf_counter()
    answer = exchange(service, GET, PATIENCE_SECONDS)  # it may have many answers to make that nobody reads
    return answer.startswith(b"HTTP/1.1 200") and time.perf_counter() - started < NOISE_SECONDS


def seconds_to_read(service: Service) -> float:
    """The 99th percentile of the time of an answer on a new connection."""
    times = []
    for _ in range(READS):
        started = time.perf_counter()
        assert exchange(service, GET).startswith(b"HTTP/1.1 200")
        times.append(time.perf_counter() - started)
    return quantiles(times, n=100)[-1]


def server_sockets(service: Service, peers: list[tuple[str, int]]) -> int:
    """How many of the connections from these addresses the service still holds (proc(5), `net/tcp`)."""
    ports = {f"{port:04X}" for _, port in peers}
    established = 0
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, state = line.split()[:4]
        established += state == "01" and local.endswith(f":{service.port:04X}") and remote[-4:] in ports
    return established


@pytest.mark.parametrize("kind", HELD)
def test_the_service_answers_while_sockets_are_held(service: Service, kind: str) -> None:
    idle = seconds_to_read(service)

    with connections(service, SOCKETS, HELD[kind]) as opened:
        wait_for(lambda: is_quick(service))
        held = seconds_to_read(service)
        sign_in = exchange(service, POST + b"Content-Length: 2\r\n\r\n{}")
        peers = [connection.getsockname() for connection in opened]
        assert not LONG or server_sockets(service, peers) == SOCKETS

    assert sign_in.startswith(b"HTTP/1.1 422")
    assert held < 3 * max(idle, NOISE_SECONDS)


def test_a_body_that_does_not_arrive_in_time_is_answered_408_and_the_connection_is_closed(service: Service) -> None:
    with (
        connections(service, 2, HELD["a head without its body"]) as announced,
        connections(service, 2, HELD["a chunked body without its end"]) as chunked,
    ):
        started = time.monotonic()
        for connection in (*announced, *chunked):
            connection.settimeout(DEADLINE_SECONDS + ANSWER_SECONDS)
            answer = read_to_end(connection)
            assert answer.startswith(b"HTTP/1.1 408 ")
            assert b"connection: close" in answer.lower()
            assert b'"code":"request_timeout"' in answer
        assert time.monotonic() - started > 0.9 * DEADLINE_SECONDS


def test_a_body_sent_byte_by_byte_has_one_deadline(service: Service) -> None:
    with connections(service, 1, POST + b"Content-Length: 50000\r\n\r\n") as [connection]:
        started = time.monotonic()
        while not select.select([connection], [], [], 0.1)[0]:
            connection.sendall(b"{")
            assert time.monotonic() - started < DEADLINE_SECONDS + ANSWER_SECONDS
        assert connection.recv(65536).startswith(b"HTTP/1.1 408 ")


CLOSED_AFTER = {
    "idle before the first request": KEEP_ALIVE_SECONDS,
    "idle after a request": KEEP_ALIVE_SECONDS,
    "half a head": KEEP_ALIVE_SECONDS,
    "answers that nobody reads": DEADLINE_SECONDS,
}


def test_a_connection_without_progress_is_closed_in_time_and_not_before(service: Service) -> None:
    with ExitStack() as stack:
        started = time.monotonic()
        peers = {
            kind: [stack.enter_context(connections(service, 1, HELD[kind]))[0].getsockname()] for kind in CLOSED_AFTER
        }
        closed = dict[str, float]()

        def all_closed() -> bool:
            for kind in peers.keys() - closed.keys():
                if server_sockets(service, peers[kind]) == 0:
                    closed[kind] = time.monotonic() - started
            return len(closed) == len(peers)

        wait_for(all_closed, KEEP_ALIVE_SECONDS + ANSWER_SECONDS)

    for kind, seconds in CLOSED_AFTER.items():
        assert 0.9 * seconds < closed[kind] < seconds + ANSWER_SECONDS, kind


def test_requests_beyond_the_bound_of_running_ones_are_refused_at_once(service: Service) -> None:
    guess = b'{"method":"password","email":"ada@example.org","secret":"nine quiet herons over water"}'
    whole = POST + b"Content-Length: %d\r\n\r\n%b" % (len(guess), guess)

    with connections(service, 10 * REQUESTS_MAX, whole) as opened:
        answers = [connection.recv(65536) for connection in opened]

    statuses = {int(answer.split()[1]) for answer in answers}
    assert statuses <= {401, 429, 503}
    refused = [answer for answer in answers if b" 503 " in answer]
    assert refused
    assert all(b"retry-after: " in answer.lower() for answer in refused)
    assert exchange(service, GET).startswith(b"HTTP/1.1 200")


def test_the_service_raises_its_limit_of_open_files_and_says_how_many_connections_that_allows(
    service: Service,
) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limits = Path(f"/proc/{service.process.pid}/limits").read_text()
    assert f"Max open files {hard} {hard}" in " ".join(limits.split())
    connections_left = int(service.out[0].partition("up to ")[2].partition(" connections")[0].replace(",", ""))
    assert 0 < hard - connections_left < OPEN_FILES


def test_held_connections_are_no_fault_of_the_service(service: Service) -> None:
    for sent in HELD.values():
        with connections(service, 20, sent):
            assert exchange(service, GET).startswith(b"HTTP/1.1 200")

    assert not [line for line in service.out + service.err if "internal_error" in line or "[ERROR]" in line]


def read_to_end(connection: socket.socket) -> bytes:
    """All bytes until the server closes the connection."""
    received: list[bytes] = []
    read: Callable[[], bytes] = lambda: connection.recv(65536)  # noqa: E731 # two arguments of `iter`
    received.extend(iter(read, b""))
    return b"".join(received)
