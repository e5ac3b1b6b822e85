"""`/confirm`: the forms with which somebody at a session proves again who they are, before a sensitive action."""

from litestar import Response, post
from msgspec import Struct, structs

from app.domain.flows.purposes.sign_in import NAME as SIGN_IN_PURPOSE
from app.domain.flows.reauthenticate import reauthenticate
from app.domain.flows.schemas import RequestKeyInput
from app.domain.flows.sign_in.code import CodeProof
from app.domain.flows.sign_in.password import PasswordProof
from app.domain.module import ResourcesDependency
from app.domain.sessions.answers import cookies_of
from app.errors import Problem
from app.guards.authorize import SIGNED_IN, Request
from app.http.requests import actor_of, user_and_session
from app.pages.html.code_requests import ask_for_code
from app.pages.html.confirmation import ASKS_TO_CONFIRM, ask_to_confirm
from app.pages.html.controller import PageController
from app.pages.html.destinations import ACCOUNT, accepted_return, own_origin, see_other
from app.pages.html.forms import Form, read_form
from app.pages.html.refusals import Refusal
from app.pages.html.state import read_state, state_cookie


class ConfirmPage(PageController):
    """Proving again who one is."""

    path = "/confirm"
    opt = ASKS_TO_CONFIRM

    @post(guards=[SIGNED_IN])
    async def confirm(self, request: Request, resources: ResourcesDependency) -> Response[bytes]:
        """Take the proof, as `POST /api/session/reauthentication` does, and go on to the page that needs it."""
        (user, _), form = user_and_session(request), Form()
        try:
            form = await read_form(request)
            started = await reauthenticate(actor_of(request), resources, user, _proof(form))
        except Problem as problem:
            then, about = _then(request, resources, form), "code" if "code" in form.fields else "secret"
            return ask_to_confirm(request, resources, then, Refusal(problem, form, about=about))
        state = structs.replace(read_state(request, resources), email="", purpose="", code_until=None, resend_at=None)
        cookies = cookies_of(actor_of(request), resources, started, user)
        return see_other(_then(request, resources, form), [*cookies, state_cookie(resources, state)])

    @post("/code", guards=[SIGNED_IN])
    async def request_proof(self, request: Request, resources: ResourcesDependency) -> Response[bytes]:
        """Ask for a code for the user's own address, which is entered on the page that needs the proof."""
        (user, _), state, form = user_and_session(request), read_state(request, resources), Form()
        try:
            form = await read_form(request)
            sent = RequestKeyInput(purpose=SIGN_IN_PURPOSE, email=user.email)
            return await ask_for_code(request, resources, state, sent, _then(request, resources, form))
        except Problem as problem:
            return ask_to_confirm(request, resources, _then(request, resources, form), Refusal(problem))


def _proof(form: Form) -> Struct:
    if "code" in form.fields:
        return form.decode(CodeProof, only=("code",))
    return form.decode(PasswordProof, only=("secret",))


def _then(request: Request, resources: ResourcesDependency, form: Form) -> str:
    """The path to go on at: one of this service, or else the account."""
    path = form.text("then")
    is_own = path.startswith("/") and accepted_return(
        resources.settings, own_origin(request, resources.settings) + path
    )
    return path if is_own and not path.startswith(("//", "/\\")) else ACCOUNT
