"""Cross-site request forgery: decided by what the browser says of the request's origin.

OWASP's CSRF Prevention Cheat Sheet takes Fetch Metadata as the main defence with `Origin` as the fallback;
NIST SP 800-63B-4 section 5.1 asks for the check on every unsafe method.
"""

from collections.abc import Iterable

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def is_cross_site(headers: Iterable[tuple[bytes, bytes]], own_origins: frozenset[str], *, has_cookie: bool) -> bool:
    """Whether an unsafe request must be refused.

    With a cookie the request must prove that it comes from one of our pages: by `Sec-Fetch-Site: same-origin`, or by an
    `Origin` on the list. Without one, only a request that says that it comes from elsewhere is refused (forged
    sign-in); a script sends neither header and is served. Of a header sent twice every value must be good.
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
