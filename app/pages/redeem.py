"""`/redeem`: the page of every mailed link, and of the setup link.

The token is in the fragment of the link, which browsers do not send. A script takes it out of the address at once, and
posts it; without scripts it is pasted. Neither consumes the key: that needs a button. Until then the token is in the
sealed state of the browser.
"""

from collections.abc import Mapping

from litestar import Response, get, post
from litestar.params import FromQuery
from msgspec import structs

from app.auth.email_addresses import normalise
from app.auth.tokens import pasted_link_token
from app.domain.flows.redeem_key import inspect_key, is_spent_link_of, redeem_key
from app.domain.flows.schemas import InspectedKey, RedeemKeyInput
from app.domain.module import ResourcesDependency
from app.domain.resources import Resources
from app.errors import Problem, invalid
from app.guards.authorize import ANYONE, Request
from app.http.problems import principal_of
from app.http.requests import actor_of
from app.pages.html.controller import PageController
from app.pages.html.destinations import destination, see_other
from app.pages.html.forms import Form, read_form
from app.pages.html.phone import with_e164
from app.pages.html.profile_fields import ask_for
from app.pages.html.refusals import Refusal
from app.pages.html.rendering import render
from app.pages.html.signing_in import go_on_signed_in
from app.pages.html.state import PageState, read_state, state_cookie

REDEEM = "/redeem"
# The purposes that have words of their own; all others are simply links to use.
WORDED = ("sign_in", "sign_up", "password_reset", "invitation", "email_change_undo")


class RedeemPage(PageController):
    """Using a one-time link."""

    path = REDEEM

    @get(guards=[ANYONE])
    async def show_redeem(
        self, request: Request, resources: ResourcesDependency, paste: FromQuery[str | None] = None
    ) -> Response[bytes]:
        """What the link is for, and a button; without a link, a field to paste its token. Consumes nothing."""
        state = read_state(request, resources)
        if not state.token or paste is not None:
            return render(request, "redeem_paste")
        return await _page(request, resources, state)

    @post("/link", guards=[ANYONE])
    async def open_link(self, request: Request, resources: ResourcesDependency) -> Response[bytes]:
        """Take the token of a link into the state of the browser. Consumes nothing, and looks nothing up."""
        state, form = read_state(request, resources), Form()
        try:
            form = await read_form(request)
            token = pasted_link_token(form.text("token").rpartition("#token=")[2])
            if token is None:
                raise invalid("token", "invalid_token" if form.text("token") else "missing", "Send the token of a link")
        except Problem as problem:
            return render(request, "redeem_paste", refusal=Refusal(problem, form, about="token"))
        return see_other(REDEEM, [state_cookie(resources, PageState(token=token, return_to=state.return_to))])

    @post(guards=[ANYONE])
    async def redeem_link(self, request: Request, resources: ResourcesDependency) -> Response[bytes]:
        """Redeem the key of the link, as `POST /api/keys/redeem` does."""
        state, form = read_state(request, resources), Form()
        if not state.token:
            return see_other(REDEEM)
        try:
            form = await read_form(request)
            # An empty text of a field that may be left out is as good as none.
            filled = {name: texts for name, texts in with_e164(form).fields.items() if any(texts)}
            only = ("email", "name", "phone", "secret", "switch")
            sent = Form(filled).decode(RedeemKeyInput, only=only, token=state.token)
            started = await redeem_key(actor_of(request), resources, sent)
        except Problem as problem:
            return await _page(request, resources, state, Refusal(problem, form))
        return await go_on_signed_in(request, resources, started, state)


async def _page(
    request: Request, resources: Resources, state: PageState, refusal: Refusal | None = None
) -> Response[bytes]:
    try:
        key = await inspect_key(resources, state.token)
    except Problem as problem:
        if problem.code != "key_not_usable":
            raise
        return await _page_of_dead_link(request, resources, state, problem)
    user = principal_of(request).user
    another = user is not None and key.email != normalise(user.email).unique
    return render(
        request,
        "redeem",
        refusal=refusal,
        key=key,
        another=another,
        words=_words_of(key),
        needs=key.needs,
        profile=ask_for(request, [name for name in key.missing if name in key.optional and name not in key.needs]),
    )


async def _page_of_dead_link(
    request: Request, resources: Resources, state: PageState, problem: Problem
) -> Response[bytes]:
    """A link that does not work any more: its signed-in owner is told that all is well, and others get a way on."""
    user = principal_of(request).user
    go_on = destination(resources.settings, state.return_to)
    if user is not None and await is_spent_link_of(resources, state.token, user):
        return render(request, "redeem_spent", go_on=go_on)
    gone = [state_cookie(resources, structs.replace(state, token=""))]
    return render(request, "redeem_dead", refusal=Refusal(problem), cookies=gone, email=user.email if user else "")


def _words_of(key: InspectedKey) -> Mapping[str, str]:
    """The names of the words about a key: its heading, what it does, and its button."""
    kind = key.purpose if key.purpose in WORDED else "other"
    if key.purpose == "invitation" and key.email is None:
        kind = "setup"
    about = kind
    if kind == "invitation" and key.language_name:
        about = "invitation_by" if key.inviter_name else "invitation_to"
    return {"heading": f"heading_{kind}", "about": f"about_{about}", "button": f"button_{kind}"}
