"""`/code`: the code of a mail, in one field; another one after a while; or another address."""

from datetime import datetime
from math import ceil

from litestar import Response, get, post
from msgspec import structs

from app.domain.flows.purpose import LiveKey
from app.domain.flows.purpose_registry import PURPOSES
from app.domain.flows.redeem_key import redeem_key
from app.domain.flows.schemas import RedeemKeyInput, RequestKeyInput
from app.domain.module import ResourcesDependency
from app.domain.resources import Resources
from app.errors import Problem
from app.guards.authorize import ANYONE, Request
from app.http.problems import principal_of
from app.http.requests import actor_of
from app.pages.html.code_requests import CODE, ask_for_code
from app.pages.html.controller import PageController
from app.pages.html.destinations import SIGN_IN, destination, see_other
from app.pages.html.forms import Form, read_form
from app.pages.html.refusals import Refusal
from app.pages.html.rendering import render
from app.pages.html.signing_in import go_on_signed_in
from app.pages.html.state import PageState, read_state, state_cookie

# Where a code of each purpose is asked for: there the address can be changed.
ASKED_AT = {"sign_in": SIGN_IN, "sign_up": "/sign-up", "password_reset": "/reset", "email_change": "/account/address"}


class CodePage(PageController):
    """Entering a code."""

    path = CODE

    @get(guards=[ANYONE])
    async def show_code(self, request: Request, resources: ResourcesDependency) -> Response[bytes]:
        """The form. A browser that has got a session meanwhile, by the link of the mail in another tab, goes on."""
        state = read_state(request, resources)
        if not state.email:
            return see_other(SIGN_IN)
        session = principal_of(request).session
        if session is not None and str(session.id) != state.session:
            go_on = destination(resources.settings, state.return_to)
            return see_other(go_on, [state_cookie(resources, PageState())])
        return _page(request, resources, state)

    @post(guards=[ANYONE])
    async def redeem_code(self, request: Request, resources: ResourcesDependency) -> Response[bytes]:
        """Redeem the code, with the new password if its purpose needs one."""
        state, form = read_state(request, resources), Form()
        if not state.email:
            return see_other(SIGN_IN)
        try:
            form = await read_form(request)
            sent = form.decode(RedeemKeyInput, only=("code", "secret"), purpose=state.purpose, email=state.email)
            started = await redeem_key(actor_of(request), resources, sent)
        except Problem as problem:
            return _page(request, resources, state, Refusal(problem, form, about="code"))
        return await go_on_signed_in(request, resources, started, state)

    @post("/again", guards=[ANYONE])
    async def request_code_again(self, request: Request, resources: ResourcesDependency) -> Response[bytes]:
        """Ask for a new code for the same address, if the one before was asked for long enough ago."""
        state = read_state(request, resources)
        if not state.email:
            return see_other(SIGN_IN)
        if _seconds_until(state.resend_at, resources.clock()):
            return see_other(CODE, [state_cookie(resources, structs.replace(state, notice="too_soon"))])
        sent = RequestKeyInput(purpose=state.purpose, email=state.email)
        try:
            return await ask_for_code(request, resources, structs.replace(state, notice="sent_again"), sent)
        except Problem as problem:
            return _page(request, resources, state, Refusal(problem))


def _page(request: Request, resources: Resources, state: PageState, refusal: Refusal | None = None) -> Response[bytes]:
    now, purpose = resources.clock(), PURPOSES[state.purpose]
    needs = purpose.needs(resources.settings, LiveKey(None, state.email, {}, now))
    shown_once = [state_cookie(resources, structs.replace(state, notice=""))] if state.notice else []
    return render(
        request,
        "code",
        refusal=refusal,
        cookies=shown_once,
        email=state.email,
        needs=needs,
        notice=state.notice,
        expires_in=_seconds_until(state.code_until, now),
        resend_in=_seconds_until(state.resend_at, now),
        session=state.session,
        change=ASKED_AT.get(state.purpose, SIGN_IN),
    )


def _seconds_until(moment: datetime | None, now: datetime) -> int:
    return max(0, ceil((moment - now).total_seconds())) if moment else 0
