"""`/sign-in`: an address, then a password or a code by mail, whichever the deployment offers."""

from litestar import Response, get, post
from litestar.params import FromQuery
from msgspec import structs

from app.domain.flows.schemas import RequestKeyInput
from app.domain.flows.sign_in.password import PasswordSignIn, sign_in_by_password
from app.domain.module import ResourcesDependency
from app.domain.resources import Resources
from app.errors import Problem
from app.guards.authorize import ANYONE, Request
from app.http.requests import actor_of
from app.pages.html.code_requests import ask_for_code
from app.pages.html.controller import PageController
from app.pages.html.destinations import SIGN_IN, accepted_return, destination
from app.pages.html.forms import Form, read_form
from app.pages.html.refusals import Refusal
from app.pages.html.rendering import render
from app.pages.html.signing_in import go_on_signed_in
from app.pages.html.state import PageState, read_state, state_cookie


class SignInPage(PageController):
    """Signing in."""

    @get(SIGN_IN, guards=[ANYONE])
    async def show_sign_in(
        self, request: Request, resources: ResourcesDependency, return_to: FromQuery[str | None] = None
    ) -> Response[bytes]:
        """The form. `return_to` is kept for later, if it is a page of an accepted origin."""
        state = read_state(request, resources)
        accepted = accepted_return(resources.settings, return_to)
        if accepted is not None:
            state = structs.replace(state, return_to=accepted)
        return _page(request, resources, state, keep=accepted is not None)

    @post(SIGN_IN, guards=[ANYONE])
    async def sign_in(self, request: Request, resources: ResourcesDependency) -> Response[bytes]:
        """Sign in with the password."""
        state, form = read_state(request, resources), Form()
        try:
            form = await read_form(request)
            sent = form.decode(PasswordSignIn, only=("email", "secret"))
            started = await sign_in_by_password(actor_of(request), resources, sent)
        except Problem as problem:
            return _page(request, resources, state, Refusal(problem, form, about="email"))
        return await go_on_signed_in(request, resources, started, state)

    @post(f"{SIGN_IN}/code", guards=[ANYONE])
    async def request_code(self, request: Request, resources: ResourcesDependency) -> Response[bytes]:
        """Ask for a code by mail. The answer is the same for every address."""
        state, form = read_state(request, resources), Form()
        try:
            form = await read_form(request)
            sent = form.decode(RequestKeyInput, only=("email",), purpose="sign_in")
            return await ask_for_code(request, resources, state, sent)
        except Problem as problem:
            return _page(request, resources, state, Refusal(problem, form, about="email"))


def _page(
    request: Request, resources: Resources, state: PageState, refusal: Refusal | None = None, *, keep: bool = False
) -> Response[bytes]:
    return render(
        request,
        "sign_in",
        refusal=refusal,
        cookies=[state_cookie(resources, state)] if keep else (),
        email=state.email,
        go_on=destination(resources.settings, state.return_to),
    )
