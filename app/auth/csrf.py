"""Defence against cross-site request forgery (CSRF), by the headers in which browsers tell where a request comes from.

OWASP's CSRF Prevention Cheat Sheet takes Fetch Metadata as the main defence with `Origin` as the fallback;
NIST SP 800-63B-4 section 5.1 asks for the check on every unsafe method.
"""

from collections.abc import Iterable

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def is_cross_site(headers: Iterable[tuple[bytes, bytes]], own_origins: frozenset[str], *, has_cookie: bool) -> bool:
    """Whether an unsafe request must be refused.

    A request with a cookie must prove that it comes from one of our pages, by `Sec-Fetch-Site: same-origin` or by an
    `Origin` on the list. A request without a cookie is refused only if its headers name another origin (login CSRF); a
    script sends neither header and is served. If a header is sent twice, every value must be acceptable.
    """
    sites: set[bytes] = set()
    origins: set[str] = set()
    for name, value in headers:
        if name == b"sec-fetch-site":
            sites.add(value)
        elif name == b"origin":
            origins.add(value.decode("latin-1"))
    if sites == {b"same-origin"}:
        return False
    if origins:
        return not origins <= own_origins
    return has_cookie or not sites <= {b"none"}


def forwarded_method(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The method of the request that a proxy asks about: its one `X-Forwarded-Method`.

    Without it, or with several, the method is empty, which is none of `SAFE_METHODS`.
    """
    methods = [value for name, value in headers if name == b"x-forwarded-method"]
    return methods[0].decode("latin-1") if len(methods) == 1 else ""


def loses_cookie(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether the browser says that the page is of another site: then it drops a `SameSite=Lax` cookie of the answer,
    even for an allowed origin."""
    return any(name == b"sec-fetch-site" and value == b"cross-site" for name, value in headers)
