"""One HTTP worker of the service: a process of its own."""

import os
import threading
import time

from litestar.types import ASGIApp

from app.asgi import create_app
from app.server.garbage import collect_garbage_rarely
from app.server.listeners import IPV6_LOOPBACK, addresses, with_ipv6_loopback
from app.server.signals import call_on_sigterm
from app.server.sockets import limit_unread_answers
from app.settings.load import load

PARENT_CHECK_SECONDS = 0.5


def create_worker() -> ASGIApp:
    """The app of one HTTP worker. The worker exits when its parent process is gone, so that the port becomes free."""
    threading.Thread(target=_exit_when_parent_is_gone, args=(os.getppid(),), daemon=True).start()
    settings = load(os.environ)
    listening = addresses(settings.host)
    limits = (settings.port, settings.reader_timeout_seconds, len(listening))
    threading.Thread(target=limit_unread_answers, args=limits, daemon=True).start()
    app = create_app(call_on_sigterm)
    if IPV6_LOOPBACK in listening[1:]:
        app = with_ipv6_loopback(app, settings)
    collect_garbage_rarely()
    return app


def _exit_when_parent_is_gone(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_SECONDS)
    os._exit(1)
