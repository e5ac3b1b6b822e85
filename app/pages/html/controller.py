"""What all page routes have in common, and how their errors become pages."""

from urllib.parse import quote

from litestar import Controller, Response
from litestar.exceptions import HTTPException

from app.auth.middleware import SETS_COOKIE
from app.errors import Problem
from app.guards.authorize import Request
from app.http.problems import problem_of, problem_response
from app.pages.html.destinations import see_other, sign_in_first
from app.pages.html.refusals import Refusal
from app.pages.html.rendering import render
from app.pages.html.site import site_of

# The `opt` of a route that answers with a page.
PAGE = "page"
ONBOARDING = "/onboarding"


def page_of_error(request: Request, error: Exception) -> Response[bytes]:
    """The answer of a page route to an error: the way to what has to be done first, or a page that tells the error."""
    problem = problem_of(request, error)
    if problem.code == "not_signed_in":
        return sign_in_first(request, site_of(request).settings)
    if problem.code == "onboarding_required":
        return see_other(ONBOARDING)
    if problem.code == "reauthentication_required" and request.method != "GET":
        # The page of a form that needs a new proof has the path of its form, and asks for the proof. One slash: two
        # would begin the name of a host.
        return see_other("/" + quote(request.scope["path"].lstrip("/")))
    return page_of_problem(request, problem)


def page_of_problem(request: Request, problem: Problem) -> Response[bytes]:
    """A page that says what is wrong, or what was refused and why."""
    name = "denied" if problem.code == "forbidden" else "error"
    request_id = str(request.scope.get("request_id", ""))
    return render(
        request, name, refusal=Refusal(problem), code=problem.code, reason=problem.detail, request_id=request_id
    )


def page_or_problem(request: Request, error: Exception) -> Response[bytes]:
    """The answer to an error outside of the routes: a page for a browser that has followed a link, else a problem.

    The address of a form that was refused can be opened again: it leads to the page above it.
    """
    if isinstance(error, HTTPException) and wants_page(request):
        if error.status_code == 404:
            return page_of_error(request, error)
        if error.status_code == 405 and request.method == "GET":
            return see_other(_path_above(request.scope["path"]))
    return problem_response(request, error)


def wants_page(request: Request) -> bool:
    """Whether the client accepts `text/html` by its name, as browsers do, on a path that is not one of the API."""
    accepted = [part.partition(";")[0].strip().lower() for part in request.headers.get("accept", "").split(",")]
    return "text/html" in accepted and not request.scope["path"].startswith("/api/")


def _path_above(path: str) -> str:
    """The path without its last segment. It begins with one slash: two would make it the name of a host."""
    return "/" + "/".join([segment for segment in path.split("/") if segment][:-1])


async def ignore_unknown_parameters(_: Request) -> None:
    """Take an address with parameters that no page knows, which mails and search engines add to links."""


class PageController(Controller):
    """The base of the controllers of pages: no operation of the API, errors as pages, and no form of another site."""

    include_in_schema = False
    opt = {PAGE: True, SETS_COOKIE: True}  # noqa: RUF012 # as in Controller
    exception_handlers = {Exception: page_of_error, HTTPException: page_of_error}  # noqa: RUF012 # as in Controller
    before_request = staticmethod(ignore_unknown_parameters)
