"""The session cookie: parsed from raw request headers, formatted as `Set-Cookie` (RFC 6265bis; OWASP ASVS 5.0, 3.3)."""

from collections.abc import Iterable

from msgspec import Struct

from app.settings.model import COOKIE_NAME, HOST_PREFIX, Settings
from app.settings.sites import cookie_domains
from app.settings.urls import host_of

# More cookies of our name than this in one request are not looked up.
COOKIES_MAX = 4

Headers = Iterable[tuple[bytes, bytes]]


class SessionCookie(Struct, frozen=True):
    """The name of the cookie in this deployment, and its attributes `Secure` and `Domain` (empty: this host alone).

    `elsewhere` are the other domains at which a browser may keep a cookie of the name and send it here; empty is the
    host alone.
    """

    name: str = COOKIE_NAME
    secure: bool = True
    domain: str = ""
    elsewhere: tuple[str, ...] = ()

    def set_cookie(self, token: str, max_age: int) -> str:
        """The value of `Set-Cookie` that stores `token` for `max_age` seconds."""
        return self._at(self.domain, token, max_age)

    def clear_cookie(self) -> str:
        """The value of `Set-Cookie` that removes the cookie."""
        return self.set_cookie("", 0)

    def clear_elsewhere(self) -> list[str]:
        """The values of `Set-Cookie` that remove foreign cookies of the name, which would make requests anonymous.

        Send them before the cookie itself: by RFC 6265 one for the domain of the host overwrites that of the host.
        """
        return [self._at(domain, "", 0) for domain in self.elsewhere]

    def _at(self, domain: str, token: str, max_age: int) -> str:
        at = f"; Domain={domain}" if domain else ""
        secure = "; Secure" if self.secure else ""
        return f"{self.name}={token}; Max-Age={max_age}{at}; Path=/; HttpOnly; SameSite=Lax{secure}"


def cookie_for(settings: Settings) -> SessionCookie:
    """The session cookie of this deployment."""
    if settings.cookie_host_prefix:  # browsers keep it for the host alone
        return SessionCookie(f"{HOST_PREFIX}{settings.cookie_name}", secure=True)
    at = ("", *cookie_domains(host_of(settings.public_url)))
    elsewhere = tuple(domain for domain in at if domain != settings.cookie_domain)
    return SessionCookie(settings.cookie_name, settings.secure_cookies, settings.cookie_domain, elsewhere)


def neighbour(cookie: SessionCookie, name: str) -> SessionCookie:
    """Another cookie of this deployment, for the host alone, with the prefix and `Secure` of the session cookie."""
    prefix = HOST_PREFIX if cookie.name.startswith(HOST_PREFIX) else ""
    return SessionCookie(name=f"{prefix}{name}", secure=cookie.secure)


def cookie_values(header: str | None, name: str) -> list[str]:
    """The values of the first `COOKIES_MAX` cookies `name` in a `Cookie` header; any of them can be planted."""
    return _cookie_values(header or "", name)[:COOKIES_MAX]


class Credential(Struct, frozen=True):
    """The session tokens that a request presents: `tokens` authenticate it, `others` do not count, but can be ended.

    `cookie`: a cookie of our name authenticates the request, or would if it were the only one.
    """

    tokens: tuple[str, ...] = ()
    cookie: bool = False
    others: tuple[str, ...] = ()


NO_CREDENTIAL = Credential()


def read_credential(headers: Headers, cookie_name: str) -> Credential:
    """The credential of a request.

    `Authorization: Bearer` takes precedence over the cookie, because a page of another site cannot send that header.
    An Authorization header of another scheme is not for this service: it is that of a proxy in front. With two
    Authorization headers no token counts, and none of more than `COOKIES_MAX` cookies of our name.
    """
    cookies: list[str] = []
    authorizations: list[str] = []
    for name, value in headers:
        if name == b"cookie":
            cookies += _cookie_values(value.decode("latin-1"), cookie_name)
        elif name == b"authorization":
            authorizations.append(value.decode("latin-1"))
    if len(authorizations) > 1:
        bearers = filter(None, map(_bearer_token, authorizations))
        return Credential(cookie=bool(cookies), others=(*bearers, *cookies))
    if authorizations:
        token = _bearer_token(authorizations[0])
        if token is not None:
            return Credential((token,), others=tuple(cookies))
    if not cookies:
        return NO_CREDENTIAL
    if len(cookies) > COOKIES_MAX:
        return Credential(cookie=True, others=tuple(cookies))
    return Credential(tuple(cookies), cookie=True)


def _bearer_token(authorization: str) -> str | None:
    """The token of an Authorization header; None if it is of another scheme."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _cookie_values(header: str, wanted: str) -> list[str]:
    if wanted not in header:
        return []
    if ";" not in header:  # one cookie alone, as most clients send
        name, _, value = header.partition("=")
        return [value.strip(' "')] if name.strip() == wanted else []
    pairs = [part.partition("=") for part in header.split(";")]
    return [value.strip(' "') for name, _, value in pairs if name.strip() == wanted]
