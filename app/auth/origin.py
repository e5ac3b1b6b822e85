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
    sign-in); a script sends neither header and is served.
    """
    site: bytes | None = None
    origin: bytes | None = None
    for name, value in headers:
        if name == b"sec-fetch-site":
            site = value
        elif name == b"origin":
            origin = value
    if site == b"same-origin":
        return False
    if origin is not None:
        return origin.decode("latin-1") not in own_origins
    return has_cookie or site not in (None, b"none")
