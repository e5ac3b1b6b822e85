"""Answers that are ready to be sent: the encoded body of a read and its headers, made once."""

from msgspec import Struct

Header = tuple[bytes, bytes]


class ReadyAnswer(Struct, frozen=True, gc=False, eq=False):
    """A JSON answer of status 200. Without an ETag (`b""`) there is no 304."""

    body: bytes
    headers: list[Header]
    etag: bytes
    unchanged_headers: list[Header]


def ready_answer(body: bytes, etag: bytes = b"", headers: tuple[Header, ...] = ()) -> ReadyAnswer:
    """The answer with this JSON body. `headers` are those of the 304 too."""
    of_body = (b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))
    unchanged = [(b"etag", etag), *headers] if etag else list(headers)
    return ReadyAnswer(body, [*unchanged, *of_body], etag, unchanged)
