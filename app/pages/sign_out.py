"""`/sign-out` and `/signed-out`: the session ends, and a page says so."""

from litestar import Response, get, post

from app.auth.middleware import ACCEPTS_REPLACED
from app.domain.module import ResourcesDependency
from app.domain.sessions.service import end_current_session
from app.guards.authorize import ANYONE, Request
from app.http.requests import actor_of
from app.pages.html.controller import PageController
from app.pages.html.destinations import see_other
from app.pages.html.rendering import render
from app.pages.html.state import PageState, read_state, state_cookie

SIGNED_OUT = "/signed-out"


class SignOutPage(PageController):
    """Signing out."""

    @post("/sign-out", guards=[ANYONE], opt={ACCEPTS_REPLACED: True})
    async def sign_out_of_page(self, request: Request, resources: ResourcesDependency) -> Response[bytes]:
        """End the session, as `DELETE /api/session` does."""
        await end_current_session(actor_of(request), resources)
        cookie = resources.cookie
        cleared = [*cookie.clear_elsewhere(), cookie.clear_cookie(), state_cookie(resources, PageState())]
        return see_other(SIGNED_OUT, cleared)

    @get(SIGNED_OUT, guards=[ANYONE])
    async def show_signed_out(self, request: Request, resources: ResourcesDependency) -> Response[bytes]:
        """What has happened, and the way back."""
        notice = read_state(request, resources).notice
        cookies = [state_cookie(resources, PageState())] if notice else []
        return render(request, "signed_out", cookies=cookies, notice=notice)
