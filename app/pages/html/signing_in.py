"""The end of every way to sign in on a page: the cookies of the session, and where to go from there."""

from litestar import Response

from app.domain.resources import Resources
from app.domain.sessions.answers import cookies_of, principal_of_started
from app.domain.sessions.service import StartedSession
from app.guards.authorize import Request
from app.guards.policy import is_onboarded
from app.http.requests import actor_of
from app.pages.html.controller import ONBOARDING
from app.pages.html.destinations import destination, see_other
from app.pages.html.state import PageState, state_cookie


async def go_on_signed_in(
    request: Request, resources: Resources, started: StartedSession, state: PageState
) -> Response[bytes]:
    """Hand the session to the browser, and lead to where the person wants to be: the page that the request for the
    code or link named, or that of this browser. A profile that is not complete comes first."""
    actor = actor_of(request)
    principal = await principal_of_started(resources, started)
    cookies = cookies_of(actor, resources, started, principal.user)
    return_to = started.return_to or state.return_to
    if not is_onboarded(principal):
        return see_other(ONBOARDING, [*cookies, state_cookie(resources, PageState(return_to=return_to))])
    return see_other(destination(resources.settings, return_to), [*cookies, state_cookie(resources, PageState())])
