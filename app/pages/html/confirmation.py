"""Asking again who somebody is, in place: a page that needs a new proof shows this one until there is one."""

from litestar import Response

from app.auth.middleware import NEEDS_DETAILS, SETS_COOKIE
from app.domain.flows.purposes.sign_in import NAME as SIGN_IN_PURPOSE
from app.domain.resources import Resources
from app.errors import Problem
from app.guards.authorize import Request, step_up
from app.http.requests import user_and_session
from app.pages.html.controller import PAGE
from app.pages.html.refusals import Refusal
from app.pages.html.rendering import render
from app.pages.html.state import read_state

# The `opt` of a controller whose pages may ask for a proof: whether the user has a password is one of the details.
ASKS_TO_CONFIRM = {PAGE: True, SETS_COOKIE: True, NEEDS_DETAILS: True}


async def is_confirmed(request: Request) -> bool:
    """Whether the user has proved who they are a short while ago, as the guard `step_up` asks for."""
    try:
        await step_up(request, request.route_handler)
    except Problem:
        return False
    return True


def ask_to_confirm(
    request: Request, resources: Resources, then: str, refusal: Refusal | None = None
) -> Response[bytes]:
    """The page that asks for the password, or for a code by mail, whichever this user and deployment have.

    `then` is the path of the page that is shown after the proof.
    """
    user, _ = user_and_session(request)
    state, details, settings = read_state(request, resources), request.user.details, resources.settings
    return render(
        request,
        "confirm",
        refusal=refusal,
        then=then,
        by_password=settings.passwords and (details is None or details.has_secret),
        by_code=settings.codes,
        code_sent=state.purpose == SIGN_IN_PURPOSE and state.email == user.email,
    )
