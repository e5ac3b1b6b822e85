"""`/reset`: the way to a new password for somebody who has forgotten theirs."""

from litestar import Response, get, post

from app.domain.flows.schemas import RequestKeyInput
from app.domain.module import ResourcesDependency
from app.errors import Problem
from app.guards.authorize import ANYONE, Request
from app.pages.html.code_requests import ask_for_code
from app.pages.html.controller import PageController
from app.pages.html.destinations import SIGN_IN, see_other
from app.pages.html.forms import Form, read_form
from app.pages.html.refusals import Refusal
from app.pages.html.rendering import render
from app.pages.html.state import read_state

RESET = "/reset"
CHANGE_PASSWORD = "/.well-known/change-password"  # noqa: S105 # a path
SECRET_OF_ACCOUNT = "/account/secret"  # noqa: S105 # a path


class ResetPage(PageController):
    """A new password, by mail."""

    @get(RESET, guards=[ANYONE])
    async def show_reset(self, request: Request, resources: ResourcesDependency) -> Response[bytes]:
        """The form; where there are no passwords, the way to the sign-in."""
        if not resources.settings.passwords:
            return see_other(SIGN_IN)
        user = request.user.user
        email = read_state(request, resources).email or (user.email if user else "")
        return render(request, "reset", email=email)

    @post(RESET, guards=[ANYONE])
    async def request_reset(self, request: Request, resources: ResourcesDependency) -> Response[bytes]:
        """Ask for a code by mail. The answer is the same for every address."""
        state, form = read_state(request, resources), Form()
        try:
            form = await read_form(request)
            sent = form.decode(RequestKeyInput, only=("email",), purpose="password_reset")
            return await ask_for_code(request, resources, state, sent)
        except Problem as problem:
            return render(request, "reset", refusal=Refusal(problem, form, about="email"), email=state.email)

    @get(CHANGE_PASSWORD, guards=[ANYONE])
    async def change_password(self, request: Request) -> Response[bytes]:
        """Where password managers lead (W3C, A Well-Known URL for Changing Passwords)."""
        return see_other(SECRET_OF_ACCOUNT if request.user.user else RESET)
