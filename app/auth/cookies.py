"""The session cookie, read from raw headers and written as one (RFC 6265bis; OWASP ASVS 5.0, 3.3)."""

from collections.abc import Iterable

from msgspec import Struct

NAME = "auth_session"
HOST_PREFIXED_NAME = f"__Host-{NAME}"

Headers = Iterable[tuple[bytes, bytes]]


class SessionCookie(Struct, frozen=True):
    """How this deployment writes the cookie: its name, and whether it carries `Secure`."""

    name: str = NAME
    secure: bool = True

    def kept(self, token: str, max_age: int) -> str:
        """The value of `Set-Cookie` that keeps `token` for `max_age` seconds."""
        secure = "; Secure" if self.secure else ""
        return f"{self.name}={token}; Max-Age={max_age}; Path=/; HttpOnly; SameSite=Lax{secure}"

    def cleared(self) -> str:
        """The value of `Set-Cookie` that removes the cookie."""
        return self.kept("", 0)


class Credential(Struct, frozen=True):
    """What the request presents. `token` is None where nothing, or nothing unambiguous, was sent."""

    token: str | None = None
    cookie: bool = False


def read_credential(headers: Headers, cookie_name: str) -> Credential:
    """The one credential of a request.

    `Authorization: Bearer` wins over the cookie: a page of another site cannot send it. Two cookies of our name, which
    only a neighbouring host could have planted, and two Authorization headers make the request anonymous.
    """
    cookies: list[str] = []
    bearers: list[str] = []
    for name, value in headers:
        if name == b"cookie":
            cookies += _cookie_values(value.decode("latin-1"), cookie_name)
        elif name == b"authorization":
            bearers.append(value.decode("latin-1"))
    if bearers:
        scheme, _, token = bearers[0].partition(" ")
        usable = len(bearers) == 1 and scheme.lower() == "bearer"
        return Credential(token.strip() if usable else None)
    if cookies:
        return Credential(cookies[0] if len(cookies) == 1 else None, cookie=True)
    return Credential()


def _cookie_values(header: str, wanted: str) -> list[str]:
    pairs = (part.partition("=") for part in header.split(";"))
    return [value.strip(' "') for name, _, value in pairs if name.strip() == wanted]
