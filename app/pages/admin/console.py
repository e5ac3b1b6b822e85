"""What the pages of `/admin` share: their frame, what the reader may do, and the way back after a form."""

from litestar import Response
from msgspec import structs

from app.ability.ability import Subject
from app.auth.middleware import NEEDS_DETAILS, SETS_COOKIE
from app.domain.resources import Resources
from app.guards.authorize import Request, ability_of
from app.guards.policy import ID_ATTRIBUTES
from app.http.requests import user_and_session
from app.pages.html.confirmation import ask_to_confirm, is_confirmed
from app.pages.html.controller import PAGE
from app.pages.html.destinations import see_other
from app.pages.html.refusals import Refusal
from app.pages.html.rendering import render
from app.pages.html.state import read_state, state_cookie

ADMIN = "/admin"
CONSOLE = {PAGE: True, SETS_COOKIE: True, NEEDS_DETAILS: True}
# The sections, each with the question whose answer shows it.
SECTIONS = (
    ("users", "administer", "User"),
    ("languages", "read", "Language"),
    ("policy", "administer", "Policy"),
    ("audit", "read", "AuditEvent"),
    ("jobs", "administer", "Job"),
)


def may(request: Request, action: str, subject_type: str, id_: object = None, field: str | None = None) -> bool:
    """Whether the reader may do this to the named subject; without an id, to some subject of the type."""
    ability = ability_of(request)
    if id_ is None:
        return ability.decide_some(action, subject_type, field).allowed
    return ability.decide(action, Subject(subject_type, {ID_ATTRIBUTES[subject_type]: str(id_)}), field).allowed


async def show(
    request: Request,
    resources: Resources,
    name: str,
    section: str,
    *,
    refusal: Refusal | None = None,
    **values: object,
) -> Response[bytes]:
    """A page of the console, with its sections, the notice of what has been done, and the dialog that asks for a proof.

    `query` is the place in a list, which the forms of the page keep.
    """
    user, _ = user_and_session(request)
    state, details = read_state(request, resources), request.user.details
    by_password = resources.settings.passwords and (details is None or details.has_secret)
    return render(
        request,
        name,
        status=200,
        headers=None,
        refusal=refusal,
        cookies=[state_cookie(resources, structs.replace(state, notice=""))] if state.notice else (),
        notice="" if refusal else state.notice,
        sections=[key for key, action, subject_type in SECTIONS if may(request, action, subject_type)],
        section=section,
        query=query_of(request),
        asks_password=by_password and not await is_confirmed(request),
        may=lambda *asked: may(request, *asked),
        reader=user,
        **values,
    )


def query_of(request: Request) -> str:
    """The query of the request with its question mark; empty if there is none."""
    query = request.scope["query_string"].decode("latin-1")
    return f"?{query}" if query else ""


def done(request: Request, resources: Resources, location: str, notice: str) -> Response[bytes]:
    """Back to a page, which says what has been done."""
    state = structs.replace(read_state(request, resources), notice=notice)
    return see_other(location, [state_cookie(resources, state)])


async def prove_first(request: Request, resources: Resources, back: str) -> Response[bytes]:
    """What the address of a form that needs a proof shows: the question for it, and afterwards the page of the form."""
    if await is_confirmed(request):
        return see_other(back)
    return ask_to_confirm(request, resources, back)
