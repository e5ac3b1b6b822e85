"""`/sign-up`: an address, which a code then proves. An address that has an account gets a code to sign in."""

from litestar import Response, get, post
from litestar.params import FromQuery
from msgspec import structs

from app.domain.flows.schemas import RequestKeyInput
from app.domain.module import ResourcesDependency
from app.errors import Problem
from app.guards.authorize import ANYONE, Request
from app.pages.html.code_requests import ask_for_code
from app.pages.html.controller import PageController
from app.pages.html.destinations import accepted_return
from app.pages.html.forms import Form, read_form
from app.pages.html.refusals import Refusal
from app.pages.html.rendering import render
from app.pages.html.state import read_state, state_cookie


class SignUpPage(PageController):
    """Signing up."""

    path = "/sign-up"

    @get(guards=[ANYONE])
    async def show_sign_up(
        self, request: Request, resources: ResourcesDependency, return_to: FromQuery[str | None] = None
    ) -> Response[bytes]:
        """The form; where people are invited, a page that says so."""
        state, cookies = read_state(request, resources), list[str]()
        if accepted := accepted_return(resources.settings, return_to):
            cookies = [state_cookie(resources, structs.replace(state, return_to=accepted))]
        return render(request, "sign_up", cookies=cookies, email=state.email)

    @post(guards=[ANYONE])
    async def request_sign_up(self, request: Request, resources: ResourcesDependency) -> Response[bytes]:
        """Ask for a code by mail. The answer is the same for every address."""
        state, form = read_state(request, resources), Form()
        try:
            form = await read_form(request)
            sent = form.decode(RequestKeyInput, only=("email",), purpose="sign_up")
            return await ask_for_code(request, resources, state, sent)
        except Problem as problem:
            return render(request, "sign_up", refusal=Refusal(problem, form, about="email"), email=state.email)
