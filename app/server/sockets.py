"""The sockets of the service: where it listens, how many connections it may hold, and those that nobody reads."""

import os
import resource
import socket
import stat
import time
from contextlib import suppress
from pathlib import Path

from app.server.databases import database_connections
from app.server.errors import ServiceError
from app.server.listeners import addresses
from app.settings.model import Settings

# How long to wait for the port: the workers of a killed service release it within PARENT_CHECK_SECONDS.
PORT_WAIT_SECONDS = 1.0
PORT_POLL_SECONDS = 0.1
# Open files of a worker that are no connections of clients or the database and no hash processes: its program, mail,
# and clients on this machine by IPv6.
OTHER_OPEN_FILES = 250
OPEN_FILES_PER_HASH_PROCESS = 4
# `ulimit -n unlimited` is more than Linux allows a process.
OPEN_FILES_MAX = 1_048_576
# What the system holds of the answers of one connection. It would grow to megabytes for a client that reads nothing.
SEND_BUFFER_BYTES = 128 * 1024
LISTENER_POLL_SECONDS = 0.02


def wait_for_port(settings: Settings) -> list[str]:
    """Wait until PORT is free on the addresses of HOST, for at most PORT_WAIT_SECONDS. Returns these addresses.

    Raises `ServiceError`.
    """
    deadline = time.monotonic() + PORT_WAIT_SECONDS
    while True:
        tried = settings.host
        try:
            found = addresses(settings.host)
            for tried in found:
                _bind(tried, settings.port)
        except (OSError, UnicodeError) as error:
            if time.monotonic() > deadline:
                reason = error.strerror if isinstance(error, OSError) else "this is not the name of a host"
                raise ServiceError(f"cannot listen on {_written(tried)}:{settings.port}: {reason}") from None
        else:
            return found
        time.sleep(PORT_POLL_SECONDS)


def _written(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _bind(address: str, port: int) -> None:
    """Raises `OSError` if the port cannot be bound at this IP address."""
    family, kind, _, _, bound = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(bound)


def connections_left(open_files: int, settings: Settings) -> int:
    """How many connections of clients a worker may hold. Raises `ServiceError` if that is none."""
    hashing = settings.hash_processes * OPEN_FILES_PER_HASH_PROCESS
    needed = database_connections(settings) + hashing + OTHER_OPEN_FILES
    if open_files <= needed:
        raise ServiceError(f"{open_files} open files are too few (ulimit -n): a worker needs more than {needed}")
    return open_files - needed


def raise_open_files() -> int:
    """Raise the limit of open files of this process and its workers as far as it may, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = max(soft, OPEN_FILES_MAX if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES_MAX))
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    return limit


def limit_unread_answers(port: int, seconds: int, listeners: int) -> None:
    """Let the system close connections whose client reads nothing of an answer for so many seconds.

    Granian has no such limit and does not pass its sockets on. It listens only after the app has started; from then on,
    a connection inherits the options of the listening socket (tcp(7), TCP_USER_TIMEOUT). Waits until this process has
    so many listeners.
    """
    while len(found := _listeners(port)) < listeners:
        for listener in found:
            listener.close()
        time.sleep(LISTENER_POLL_SECONDS)
    for listener in found:
        with listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
            if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
                listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, seconds * 1000)


def _listeners(port: int) -> list[socket.socket]:
    """Copies of the sockets of this process that listen on the port, one for each address."""
    found: dict[str, socket.socket] = {}
    for entry in Path("/dev/fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            if not stat.S_ISSOCK(entry.stat().st_mode):
                continue
            candidate = socket.socket(fileno=os.dup(int(entry.name)))
            is_listening = candidate.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
            if is_listening and candidate.family != socket.AF_UNIX and candidate.getsockname()[1] == port:
                address = candidate.getsockname()[0]
                if address not in found:
                    found[address] = candidate
                    continue
            candidate.close()
    return list(found.values())
