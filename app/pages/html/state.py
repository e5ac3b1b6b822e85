"""What a browser is in the middle of: kept in a sealed cookie for 15 minutes, and never in an address.

The cookie is `HttpOnly`, for the host alone, and has the prefix `__Host-` wherever it has `Secure` (RFC 6265bis section
4.1.3.2). Only this service can read and write it (`SecretKey.seal`).
"""

from datetime import datetime, timedelta

import msgspec
from msgspec import Struct, structs

from app.auth.cookies import SessionCookie, cookie_values
from app.domain.resources import Resources
from app.guards.authorize import Request
from app.secret_key import UnsealError
from app.settings.model import HOST_PREFIX

NAME = "auth_page"
LIFETIME = timedelta(minutes=15)
# Browsers keep 4096 bytes of a cookie.
SEALED_MAX = 4000


class PageState(Struct, frozen=True, tag="page", omit_defaults=True):
    """What the pages remember between two requests of a browser.

    `email` and `purpose` are those of the code that is being entered, `code_until` is when it expires, and `resend_at`
    when another one can be asked for. `session` is the session that the browser had when it asked. `token` is that of
    a link that has been opened, `return_to` the page where the person wants to be. `notice` is a word of the next
    page, which says what has been done, and `detail` its value.
    """

    email: str = ""
    purpose: str = ""
    code_until: datetime | None = None
    resend_at: datetime | None = None
    session: str = ""
    token: str = ""
    return_to: str | None = None
    notice: str = ""
    detail: str = ""
    until: datetime | None = None

    def __repr__(self) -> str:
        return "PageState(…)"


def read_state(request: Request, resources: Resources) -> PageState:
    """The state of the request's browser; an empty one if there is none, or if it has expired."""
    cookie, now = _cookie(resources), resources.clock()
    for sealed in cookie_values("; ".join(request.headers.getall("cookie", [])), cookie.name):
        try:
            state = msgspec.json.decode(resources.secret_key.unseal(sealed[:SEALED_MAX].encode()), type=PageState)
        except (UnsealError, msgspec.MsgspecError, UnicodeEncodeError):
            continue
        if state.until is not None and now < state.until:
            return state
    return PageState()


def state_cookie(resources: Resources, state: PageState) -> str:
    """The value of `Set-Cookie` that keeps the state for 15 minutes from now. An empty state removes the cookie."""
    cookie = _cookie(resources)
    if state == PageState(until=state.until):
        return cookie.clear_cookie()
    kept = structs.replace(state, until=resources.clock() + LIFETIME)
    sealed = resources.secret_key.seal(msgspec.json.encode(kept)).decode()
    return cookie.set_cookie(sealed, int(LIFETIME.total_seconds()))


def _cookie(resources: Resources) -> SessionCookie:
    secure = resources.cookie.secure
    return SessionCookie(f"{HOST_PREFIX}{NAME}" if secure else NAME, secure)
