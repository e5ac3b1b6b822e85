"""HTTP request smuggling: raw requests that a proxy and the service may parse differently, sent to the real server."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.app import ORIGIN
from tests.support.serve_process import Service, serving

HEAD = f"POST /api/session HTTP/1.1\r\nHost: x\r\nOrigin: {ORIGIN}\r\nContent-Type: application/json\r\n"
GET = "GET {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

RAW = {
    "two Content-Length headers": HEAD + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "Content-Length and chunked": HEAD
    + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /api/keys HTTP/1.1\r\n\r\n",
    "unknown Transfer-Encoding": HEAD + "Transfer-Encoding: identity, x\r\n\r\n{}",
    "chunked twice": HEAD + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "an invalid chunk size": HEAD + "Transfer-Encoding: chunked\r\n\r\nZZ\r\n{}\r\n0\r\n\r\n",
    "a negative length": HEAD + "Content-Length: -1\r\n\r\n{}",
    "a length with a sign": HEAD + "Content-Length: +2\r\n\r\n{}",
    "a length of 5000 digits": HEAD + f"Content-Length: {'9' * 5000}\r\n\r\n{{}}",
    "a space before the colon": HEAD + "Content-Length : 2\r\n\r\n{}",
    "a folded header": HEAD + "X-A: b\r\n c\r\nContent-Length: 2\r\n\r\n{}",
    "a NUL in a header": HEAD + "X-A: b\0c\r\nContent-Length: 2\r\n\r\n{}",
    "a bare carriage return": HEAD + "X-A: b\rContent-Length: 2\r\n\r\n{}",
    "a NUL in the path": GET.format("/api/languages/\0"),
    "a raw byte in the path": GET.format("/api/languages/\xff"),
    "a percent NUL in the path": GET.format("/api/languages/%00"),
    "a percent surrogate in the path": GET.format("/api/languages/%ED%A0%80"),
    "an absolute path": GET.format("http://evil.example/api/languages"),
    "CONNECT": "CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\nConnection: close\r\n\r\n",
    "a path without a slash": GET.format("api/languages"),
    "an asterisk path": GET.format("*"),
    "a path of 100 kB": GET.format("/" + "a" * 100_000),
    "a header of 1 MB": HEAD + f"X-A: {'a' * 1_000_000}\r\n\r\n",
    "a thousand headers": HEAD + "".join(f"X-{number}: a\r\n" for number in range(1000)) + "\r\n",
    "HTTP/0.9": "GET /api/languages HTTP/0.9\r\n\r\n",
    "HTTP/2 without TLS": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
    "TLS on the plain port": "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
    "bytes that are not HTTP": "\xff\xfe\0\x01" * 100 + "\r\n\r\n",
}

ABSOLUTE = "GET http://x/health/live HTTP/{}\r\n{}Connection: close\r\n\r\n"
# RFC 9112 section 3.2.
HOSTS = {
    "none": ("GET /health/live HTTP/1.1\r\nConnection: close\r\n\r\n", 400),
    "two": ("GET /health/live HTTP/1.1\r\nHost: x\r\nHost: y\r\nConnection: close\r\n\r\n", 400),
    "two alike": ("GET /health/live HTTP/1.1\r\nHost: x\r\nHost: x\r\nConnection: close\r\n\r\n", 400),
    "two in HTTP/1.0": ("GET /health/live HTTP/1.0\r\nHost: x\r\nHost: x\r\n\r\n", 400),
    "none in HTTP/1.0": ("GET /health/live HTTP/1.0\r\n\r\n", 200),
    "one": (GET.format("/health/live"), 200),
    "an empty one": ("GET /health/live HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n", 400),
    "an empty one beside an absolute target": (ABSOLUTE.format("1.1", "Host:\r\n"), 400),
    "two beside an absolute target": (ABSOLUTE.format("1.1", "Host: x\r\nHost: x\r\n"), 400),
    # Section 3.2.2: the target counts. The service uses neither.
    "another one than the absolute target's": (ABSOLUTE.format("1.1", "Host: y\r\n"), 200),
    "none in HTTP/1.0 beside an absolute target": (ABSOLUTE.format("1.0", ""), 200),
    "an IPv6 address": ("GET /health/live HTTP/1.1\r\nHost: [::1]:8000\r\nConnection: close\r\n\r\n", 200),
}
# A proxy may send a body that it does not know the end of as chunked, although it turns out to be empty.
CHUNKED = "{} {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
NO_BODY = {
    "GET": (CHUNKED.format("GET", "/api/session") + "0\r\n\r\n", 200),
    "HEAD": (CHUNKED.format("HEAD", "/health/live") + "0\r\n\r\n", 200),
    "DELETE": (CHUNKED.format("DELETE", "/api/session") + "0\r\n\r\n", 204),
    "POST": (CHUNKED.format("POST", "/api/session") + "0\r\n\r\n", 400),
    "GET with trailers": (CHUNKED.format("GET", "/api/session") + "0\r\nX-A: b\r\n\r\n", 200),
    "GET with a byte": (CHUNKED.format("GET", "/api/session") + "1\r\n \r\n0\r\n\r\n", 415),
    "DELETE with a byte": (CHUNKED.format("DELETE", "/api/session") + "1\r\n \r\n0\r\n\r\n", 415),
    "POST with JSON": (CHUNKED.format("POST", "/api/session") + "2\r\n{}\r\n0\r\n\r\n", 415),
}


@pytest.fixture(scope="module")
def service(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service in a process of its own, on the database of the tests."""
    directory: Path = tmp_path_factory.mktemp("smuggling")
    with serving(directory, directory, DATABASE_URL=database_url, PUBLIC_URL=ORIGIN) as running:
        yield running


def _statuses(service: Service, raw: str, *, ends: bool = True) -> list[int]:
    """The status of every answer to the bytes on one connection. `ends`: the client says that it sends no more."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=5) as connection:
        received = b""
        try:
            connection.sendall(raw.encode("latin-1"))
            if ends:
                connection.shutdown(socket.SHUT_WR)
            while chunk := connection.recv(65536):
                received += chunk
        except OSError:
            pass  # the server has closed the connection; the answers before that count
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", received)]


@pytest.mark.parametrize("name", RAW)
def test_an_ambiguous_request_is_refused_and_never_read_as_two(service: Service, name: str) -> None:
    statuses = _statuses(service, RAW[name])

    assert len(statuses) <= 1
    assert set(statuses) <= {400, 401, 404, 405, 413, 414, 415, 422, 431, 505}


@pytest.mark.parametrize("name", HOSTS)
def test_a_request_names_one_host(service: Service, name: str) -> None:
    raw, status = HOSTS[name]

    assert _statuses(service, raw, ends=False) == [status]


@pytest.mark.parametrize("name", NO_BODY)
def test_a_chunked_body_without_a_byte_is_no_body(service: Service, name: str) -> None:
    raw, status = NO_BODY[name]

    assert _statuses(service, raw, ends=False) == [status]


def test_ambiguous_requests_log_no_error_and_leave_the_service_ready(service: Service) -> None:
    for raw in RAW.values():
        _statuses(service, raw)

    assert service.is_ready()
    assert not [line for line in service.err if "request_failed" in line or "Traceback" in line]
