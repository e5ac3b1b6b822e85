"""Reads that each happen once: they fill a cache, or tell the ETags for conditional reads."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from urllib.parse import urlsplit

from bench.measure import Call

CONNECTIONS = 4


def read_each(url: str, calls: Sequence[Call], status: int = 200) -> list[str]:
    """Send each call once, over a few connections. Returns the ETag of each answer, or "".

    Raises `RuntimeError` if an answer has another status.
    """
    parts = [calls[number::CONNECTIONS] for number in range(CONNECTIONS)]
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        answers = list(threads.map(lambda part: _read(url, part, status), parts))
    etags = [""] * len(calls)
    for number, part in enumerate(answers):
        etags[number::CONNECTIONS] = part
    return etags


def conditional(url: str, calls: Sequence[Call]) -> list[Call]:
    """The calls with the present ETags in If-None-Match. Raises `RuntimeError` if they are not answered 304."""
    asked = [
        call._replace(headers=(*call.headers, f"If-None-Match: {etag}"))
        for call, etag in zip(calls, read_each(url, calls), strict=True)
    ]
    read_each(url, asked, 304)
    return asked


def _read(url: str, calls: Sequence[Call], status: int) -> list[str]:
    connection = HTTPConnection(urlsplit(url).netloc)
    etags = []
    for call in calls:
        headers = {name: value for name, _, value in (line.partition(": ") for line in call.headers)}
        connection.request(call.method, call.path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != status:
            raise RuntimeError(f"{call.method} {call.path}: answered {answer.status}, not {status}")
        etags.append(answer.getheader("ETag", ""))
    connection.close()
    return etags
