"""`/account/secret`: setting or changing the password."""

from litestar import Response, get, post
from msgspec import structs

from app.domain.flows.schemas import NewSecret
from app.domain.flows.set_password import require_passwords, set_password
from app.domain.module import ResourcesDependency
from app.domain.sessions.answers import cookies_of
from app.errors import Problem
from app.guards.authorize import Request, authorize_own, step_up
from app.http.requests import actor_of, user_and_session
from app.pages.html.confirmation import ASKS_TO_CONFIRM, ask_to_confirm, is_confirmed
from app.pages.html.controller import PageController
from app.pages.html.destinations import ACCOUNT, see_other
from app.pages.html.forms import Form, read_form
from app.pages.html.refusals import Refusal
from app.pages.html.rendering import render
from app.pages.html.state import read_state, state_cookie

SECRET = f"{ACCOUNT}/secret"


class AccountSecretPage(PageController):
    """The password of the reader."""

    path = SECRET
    opt = ASKS_TO_CONFIRM

    @get(guards=[authorize_own("update", "Key")])
    async def show_secret(self, request: Request, resources: ResourcesDependency) -> Response[bytes]:
        """The form, once the reader has proved who they are."""
        require_passwords(resources)
        if not await is_confirmed(request):
            return ask_to_confirm(request, resources, SECRET)
        return render(request, "account_secret")

    @post(guards=[authorize_own("update", "Key"), step_up])
    async def set_secret(self, request: Request, resources: ResourcesDependency) -> Response[bytes]:
        """Set the password, as `PUT /api/keys/primary/secret` does. A weak one is refused, with the reason."""
        (user, _), form = user_and_session(request), Form()
        try:
            form = await read_form(request)
            sent = form.decode(NewSecret, only=("secret",))
            started = await set_password(actor_of(request), resources, user, sent.secret)
        except Problem as problem:
            return render(request, "account_secret", refusal=Refusal(problem, form, about="secret"))
        cookies = cookies_of(actor_of(request), resources, started, user)
        state = structs.replace(read_state(request, resources), notice="secret_saved")
        return see_other(ACCOUNT, [*cookies, state_cookie(resources, state)])
