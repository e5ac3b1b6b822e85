"""The session cookie: parsed from raw request headers, formatted as `Set-Cookie` (RFC 6265bis; OWASP ASVS 5.0, 3.3)."""

from collections.abc import Iterable

from msgspec import Struct

from app.settings.model import Settings

NAME = "auth_session"
HOST_PREFIX = "__Host-"
HOST_PREFIXED_NAME = f"{HOST_PREFIX}{NAME}"

Headers = Iterable[tuple[bytes, bytes]]


class SessionCookie(Struct, frozen=True):
    """The name of the cookie in this deployment, and whether it has the attribute `Secure`."""

    name: str = NAME
    secure: bool = True

    def set_cookie(self, token: str, max_age: int) -> str:
        """The value of `Set-Cookie` that stores `token` for `max_age` seconds."""
        secure = "; Secure" if self.secure else ""
        return f"{self.name}={token}; Max-Age={max_age}; Path=/; HttpOnly; SameSite=Lax{secure}"

    def clear_cookie(self) -> str:
        """The value of `Set-Cookie` that removes the cookie."""
        return self.set_cookie("", 0)


def cookie_for(settings: Settings) -> SessionCookie:
    """The session cookie of this deployment."""
    name = HOST_PREFIXED_NAME if settings.cookie_host_prefix else NAME
    return SessionCookie(name=name, secure=settings.secure_cookies)


def neighbour(cookie: SessionCookie, name: str) -> SessionCookie:
    """Another cookie of this deployment, with the same attributes and prefix as the session cookie."""
    prefix = HOST_PREFIX if cookie.name.startswith(HOST_PREFIX) else ""
    return SessionCookie(name=f"{prefix}{name}", secure=cookie.secure)


def cookie_value(header: str | None, name: str) -> str | None:
    """The value of the cookie `name` in a `Cookie` header; None if the header has no such cookie, or two."""
    values = _cookie_values(header or "", name)
    return values[0] if len(values) == 1 else None


class Credential(Struct, frozen=True):
    """The session token that a request presents, None if there is none or two. `cookie`: it was sent as a cookie."""

    token: str | None = None
    cookie: bool = False


def read_credential(headers: Headers, cookie_name: str) -> Credential:
    """The credential of a request.

    `Authorization: Bearer` takes precedence over the cookie, because a page of another site cannot send that header.
    An Authorization header of another scheme is not for this service: it is that of a proxy in front. Two cookies of
    our name (a neighbouring host can plant a second) or two Authorization headers mean no token.
    """
    cookies: list[str] = []
    authorizations: list[str] = []
    for name, value in headers:
        if name == b"cookie":
            cookies += _cookie_values(value.decode("latin-1"), cookie_name)
        elif name == b"authorization":
            authorizations.append(value.decode("latin-1"))
    if len(authorizations) > 1:
        return Credential(cookie=bool(cookies))
    scheme, _, token = "".join(authorizations).partition(" ")
    if scheme.lower() == "bearer":
        return Credential(token.strip())
    if cookies:
        return Credential(cookies[0] if len(cookies) == 1 else None, cookie=True)
    return Credential()


def _cookie_values(header: str, wanted: str) -> list[str]:
    pairs = (part.partition("=") for part in header.split(";"))
    return [value.strip(' "') for name, _, value in pairs if name.strip() == wanted]
