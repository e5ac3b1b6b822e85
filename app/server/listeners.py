"""What listens: Granian on HOST in each worker, and beside it on `::1` where HOST is the loopback interface.

Granian binds one address. Browsers and Node.js may connect to either address of `localhost`.
"""

import asyncio
import logging
import socket
from typing import TypedDict

from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import MPServer, MTServer, Server
from granian.server.embed import Server as EmbeddedServer
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from litestar.types.asgi_types import HTTPReceiveMessage, WebSocketReceiveMessage

from app.settings.model import Settings

# Connections that the system accepts before a worker takes them; `net.core.somaxconn` bounds it.
BACKLOG = 4096
# The largest head of a request, and of what the server holds of one answer.
CONNECTION_BUFFER_BYTES = 64 * 1024
IPV6_LOOPBACK = "::1"
# Connections of clients on this machine, by IPv6. A part of `OTHER_OPEN_FILES`.
IPV6_LOOPBACK_CONNECTIONS = 100
WORKER_STOP_SECONDS = 10


class ConnectionOptions(TypedDict):
    """The options of Granian that every listener has."""

    interface: Interfaces
    http: HTTPModes
    websockets: bool
    backlog: int
    backpressure: int
    http1_settings: HTTP1Settings
    log_level: LogLevels


def connection_options(
    settings: Settings, connections: int, interface: Interfaces = Interfaces.ASGI
) -> ConnectionOptions:
    """The options of a listener that holds up to so many connections."""
    return ConnectionOptions(
        interface=interface,
        # Not HTTP/2, where a request may have a body without Content-Length and Transfer-Encoding. A proxy that
        # terminates TLS may still offer HTTP/2 to its clients.
        http=HTTPModes.http1,
        websockets=False,
        backlog=BACKLOG,
        # Granian counts connections. Requests are bounded by the app (`RunningRequests`), connections only by the limit
        # of open files: without this the database and mail would be out of reach at that limit.
        backpressure=connections,
        # Granian closes a connection that sends no complete head for this long, the first one or the next.
        http1_settings=HTTP1Settings(
            header_read_timeout=settings.keep_alive_seconds * 1000, max_buffer_size=CONNECTION_BUFFER_BYTES
        ),
        log_level=LogLevels.warning,
    )


def http_server(factory: str, address: str, settings: Settings, connections: int) -> MPServer | MTServer:
    """Granian with the workers of `settings`, each of which holds up to so many connections.

    `factory` is "module:function"; each worker calls the function once for its ASGI app.
    """
    return Server(
        factory,
        factory=True,
        address=address,
        port=settings.port,
        workers=settings.workers,
        loop=Loops.uvloop,
        respawn_failed_workers=True,
        workers_kill_timeout=WORKER_STOP_SECONDS,
        **connection_options(settings, connections),
    )


def addresses(host: str) -> list[str]:
    """The addresses to listen on: that of `host`, or both of `localhost` if it is one of them and IPv6 is there.

    Raises `OSError` and `UnicodeError` if `host` has no address.
    """
    _, _, _, _, address = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0]
    found = str(address[0])
    if host not in ("localhost", "127.0.0.1"):
        return [found]
    return ["127.0.0.1", *([IPV6_LOOPBACK] if _has_ipv6_loopback() else [])]


def with_ipv6_loopback(app: ASGIApp, settings: Settings) -> ASGIApp:
    """The app, which also listens on `::1` while its lifespan lasts. The HTTP worker serves it on HOST."""
    server = EmbeddedServer(
        app, IPV6_LOOPBACK, settings.port,
        **connection_options(settings, IPV6_LOOPBACK_CONNECTIONS, Interfaces.ASGINL),
    )  # fmt: skip
    # It says at each start that it is experimental: the main listener is the ordinary one.
    logging.getLogger("_granian").addFilter(lambda line: "is experimental" not in str(line.msg))

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if str(scope["type"]) != "lifespan":
            await app(scope, receive, send)
            return
        serving: asyncio.Task[None] | None = None

        async def send_and_serve(message: Message) -> None:
            nonlocal serving
            if str(message["type"]) == "lifespan.startup.complete":
                serving = asyncio.create_task(server.serve())
            await send(message)

        async def receive_and_stop() -> HTTPReceiveMessage | WebSocketReceiveMessage:
            message = await receive()
            if str(message["type"]) == "lifespan.shutdown" and serving is not None:
                server.stop()  # type: ignore[no-untyped-call]
                await serving
            return message

        await app(scope, receive_and_stop, send_and_serve)

    return wrapped


def _has_ipv6_loopback() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind((IPV6_LOOPBACK, 0))
    except OSError:
        return False
    return True
