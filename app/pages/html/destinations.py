"""Where people go afterwards: a page of an origin on the list, and no other one (OWASP ASVS 5.0, 3.7.2)."""

from collections.abc import Iterable
from urllib.parse import quote

from litestar import Response

from app.guards.authorize import Request
from app.http.responses import set_cookies
from app.settings.model import Settings
from app.settings.urls import is_page_of, origin_of, own_origins

ACCOUNT, SIGN_IN = "/account", "/sign-in"


def accepted_return(settings: Settings, url: str | None) -> str | None:
    """The address to return to, if it is a page of PUBLIC_URL, APP_URL or ALLOWED_ORIGINS; else None."""
    return url if url and is_page_of(settings.return_origins, url) else None


def destination(settings: Settings, return_to: str | None) -> str:
    """Where to go: to `return_to`, if it is accepted; without it to the first APP_URL, or else to the account page.

    An address that is an origin alone leads to the APP_URL of that origin.
    """
    accepted = accepted_return(settings, return_to)
    if accepted is None:
        return next(iter(settings.app_url), ACCOUNT)
    return next((url for url in settings.app_url if accepted.rstrip("/") == origin_of(url)), accepted)


def see_other(location: str, cookies: Iterable[str] = ()) -> Response[bytes]:
    """The answer to a form that has done its work: look there (RFC 9110 section 15.4.4)."""
    headers = {"Location": location}
    return Response(b"", status_code=303, media_type="text/html", headers=headers, cookies=set_cookies(cookies))


def sign_in_first(request: Request, settings: Settings) -> Response[bytes]:
    """The way to the sign-in, and back to this page, if it was one to look at."""
    if request.method != "GET":
        return see_other(SIGN_IN)
    query = request.scope["query_string"].decode("latin-1")
    here = own_origin(request, settings) + quote(request.scope["path"]) + (f"?{query}" if query else "")
    return see_other(f"{SIGN_IN}?return_to={quote(here, safe='')}")


def own_origin(request: Request, settings: Settings) -> str:
    """The origin at which the browser sees this service: one of its own names, whatever the Host header says."""
    scheme = settings.public_url.partition(":")[0]
    named = f"{scheme}://{request.headers.get('host', '')}"
    return named if named in own_origins(settings.public_url) else origin_of(settings.public_url)
