"""Rendering a page: its template, in the language of its reader, with the headers of all pages."""

from collections.abc import Iterable, Mapping

from litestar import Response

from app.domain.languages.codes import direction_of
from app.guards.authorize import Request, ability_of
from app.http.problems import locale_for, principal_of
from app.http.responses import set_cookies
from app.pages.html.refusals import Refusal, by_field, messages
from app.pages.html.site import site_of
from app.pages.html.words import Say, moment_in_words
from app.words.catalogue import duration

MEDIA_TYPE = "text/html"
# Whoever may do one of these has something to do in the console.
ADMINISTERS = (("administer", "User"), ("administer", "Language"), ("read", "AuditEvent"))


def render(
    request: Request,
    name: str,
    *,
    status: int = 200,
    refusal: Refusal | None = None,
    cookies: Iterable[str] = (),
    headers: Mapping[str, str] | None = None,
    **values: object,
) -> Response[bytes]:
    """The page of the template `name`.html, with the words of the section `pages.<name>`.

    With a refusal, the answer has the status of its problem, and the page its messages and what was typed. `cookies`
    are values of `Set-Cookie`. A template may use `values`, and what `_context` gives to all.
    """
    site, locale = site_of(request), locale_for(request)
    html = site.templates.get_template(f"{name}.html").render(_context(request, name, locale, refusal), **values)
    return Response(
        html.encode(),
        status_code=refusal.problem.kind.status if refusal else status,
        media_type=MEDIA_TYPE,
        headers={
            **site.headers,
            **_retry_after(refusal),
            **(headers or {}),
            "Content-Language": locale,
        },
        cookies=set_cookies(cookies),
    )


def _context(request: Request, name: str, locale: str, refusal: Refusal | None) -> dict[str, object]:
    """What every template may use beside the globals of `Site`.

    `say` gives words, `in_words` a number of seconds as a duration, `moment` a point in time. `user` is who is signed
    in, or None. `problems` are the lines of the error summary, `errors` the message of each field, `typed` what was
    typed in each field.
    """
    site, lines = site_of(request), messages(refusal, locale) if refusal else []
    user = principal_of(request).user
    return {
        "page": name,
        "locale": locale,
        "direction": direction_of(locale),
        "say": Say(locale, name, site.service),
        "in_words": lambda seconds: duration(locale, seconds),
        "moment": lambda moment: moment_in_words(locale, moment),
        "user": user,
        "administers": user is not None and any(_may(request, *asked) for asked in ADMINISTERS),
        "problems": lines,
        "errors": by_field(lines),
        "typed": refusal.form.shown if refusal else {},
    }


def _retry_after(refusal: Refusal | None) -> dict[str, str]:
    """Of the headers of a problem, the one that browsers know too."""
    headers = refusal.problem.headers if refusal else {}
    return {name: value for name, value in headers.items() if name == "Retry-After"}


def _may(request: Request, action: str, subject_type: str) -> bool:
    return ability_of(request).decide_some(action, subject_type).allowed
