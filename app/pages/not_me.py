"""`/not-me`: where the link of a mail about a sign-in on a new device leads.

The token is in the fragment of the link. A script puts it into the form and takes it out of the address; without
scripts it is pasted. Only the button ends the session.
"""

from litestar import Response, get, post
from msgspec import structs

from app.domain.flows.schemas import RequestKeyInput
from app.domain.module import ResourcesDependency
from app.domain.sessions.disowning import disown_session
from app.domain.sessions.schemas import DisowningInput
from app.errors import Problem
from app.guards.authorize import ANYONE, Request
from app.http.requests import actor_of
from app.pages.html.code_requests import ask_for_code
from app.pages.html.controller import PageController
from app.pages.html.destinations import see_other
from app.pages.html.forms import Form, read_form
from app.pages.html.refusals import Refusal
from app.pages.html.rendering import render
from app.pages.html.state import PageState, read_state, state_cookie

NOT_ME = "/not-me"


class NotMePage(PageController):
    """Disowning a session."""

    path = NOT_ME

    @get(guards=[ANYONE])
    async def show_not_me(self, request: Request, resources: ResourcesDependency) -> Response[bytes]:
        """What the link does, and a button; or that it has been done. Ends nothing."""
        state = read_state(request, resources)
        shown_once = [state_cookie(resources, structs.replace(state, notice=""))] if state.notice else []
        return render(request, "not_me", cookies=shown_once, notice=state.notice)

    @post(guards=[ANYONE])
    async def disown(self, request: Request, resources: ResourcesDependency) -> Response[bytes]:
        """End the session, as `POST /api/sessions/disown` does, and ask for a code for a new password."""
        form = Form()
        try:
            form = await read_form(request)
            # Without scripts, people paste the whole link too.
            pasted = Form({"token": [form.text("token").rpartition("#token=")[2].strip()]})
            sent = pasted.decode(DisowningInput)
            disowned = await disown_session(actor_of(request), resources, sent.token)
            if resources.settings.passwords:
                reset = RequestKeyInput(purpose="password_reset", email=disowned.email)
                return await ask_for_code(request, resources, PageState(notice="session_disowned"), reset)
        except Problem as problem:
            return render(request, "not_me", refusal=Refusal(problem, form, about="token"), notice="")
        return see_other(NOT_ME, [state_cookie(resources, PageState(notice="ended"))])
