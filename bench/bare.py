"""What the service is compared with: a raw ASGI callable, and a Litestar app with one route and no middleware.

`python -m bench.bare raw` or `litestar` serves one of them on the service's server, with the settings of a worker.
"""

import os
import sys
from collections.abc import Awaitable, Callable, Mapping

from litestar import Litestar, get
from litestar.types import ASGIApp
from msgspec import Struct

from app.server.garbage import collect_garbage_rarely
from app.server.listeners import http_server
from app.settings.load import load

RAW, LITESTAR = "raw ASGI", "bare Litestar route"
FACTORIES = {"raw": "bench.bare:make_raw_app", "litestar": "bench.bare:make_litestar_app"}
PATH = "/bare"
# More than any load opens: Granian never waits for a free place, as in the service.
CONNECTIONS = 10_000
BODY = b'{"status":"ok"}'
HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())]
START = {"type": "http.response.start", "status": 200, "headers": HEADERS}
END = {"type": "http.response.body", "body": BODY, "more_body": False}

# Litestar's types have no lifespan in the scope of an app.
Send = Callable[[Mapping[str, object]], Awaitable[None]]
App = Callable[[Mapping[str, object], Callable[[], Awaitable[object]], Send], Awaitable[None]]


class Status(Struct, frozen=True):
    """The answer of the Litestar app."""

    status: str = "ok"


@get(PATH)
async def answer() -> Status:
    """The one route."""
    return Status()


async def raw_app(scope: Mapping[str, object], receive: Callable[[], Awaitable[object]], send: Send) -> None:
    """Answer every request with the same bytes."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    await send(START)
    await send(END)


def make_raw_app() -> App:
    """The raw ASGI callable, in a worker."""
    collect_garbage_rarely()
    return raw_app


def make_litestar_app() -> ASGIApp:
    """The Litestar app, in a worker."""
    app = Litestar([answer], openapi_config=None)
    collect_garbage_rarely()
    return app


def main(name: str) -> None:
    """Serve the app on HOST and PORT until SIGINT or SIGTERM."""
    settings = load(os.environ)
    http_server(FACTORIES[name], settings.host, settings, CONNECTIONS).serve()


if __name__ == "__main__":
    main(sys.argv[1])
