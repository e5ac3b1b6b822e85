"""Asking for a one-time code on a page: what `POST /api/keys` does, and then the page where the code is entered."""

from datetime import timedelta

from litestar import Response
from msgspec import structs

from app.auth.cookies import neighbour
from app.auth.flows import cookie_name
from app.domain.flows.mail_budget import RESEND_AFTER
from app.domain.flows.request_key import request_key
from app.domain.flows.schemas import RequestKeyInput
from app.domain.resources import Resources
from app.guards.authorize import Request
from app.http.problems import principal_of
from app.http.requests import accepted_locale_of, actor_of
from app.pages.html.destinations import see_other
from app.pages.html.state import PageState, state_cookie

CODE = "/code"


async def ask_for_code(
    request: Request, resources: Resources, state: PageState, sent: RequestKeyInput, enter_at: str = CODE
) -> Response[bytes]:
    """Ask for a code, and lead to the page where it is entered. Raises `Problem` as `request_key` does.

    Guards of purposes for signed-in users are those of the page.
    """
    asked = structs.replace(
        sent, locale=sent.locale or accepted_locale_of(request), return_to=sent.return_to or state.return_to
    )
    accepted = await request_key(actor_of(request), resources, asked)
    flow = neighbour(resources.cookie, cookie_name(asked.purpose)).set_cookie(accepted.flow, accepted.expires_in)
    session, now = principal_of(request).session, resources.clock()
    state = structs.replace(
        state,
        email=asked.email,
        purpose=asked.purpose,
        code_until=now + timedelta(seconds=accepted.expires_in),
        resend_at=now + RESEND_AFTER,
        session=str(session.id) if session else "",
    )
    return see_other(enter_at, [flow, state_cookie(resources, state)])
