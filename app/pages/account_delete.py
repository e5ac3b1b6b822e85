"""`/account/delete`: leaving the service for good."""

from litestar import Response, get, post

from app.domain.flows.administer_users import delete_user
from app.domain.module import ResourcesDependency
from app.errors import Problem
from app.guards.authorize import Request, authorize_own, step_up
from app.http.requests import actor_of, user_and_session
from app.pages.html.confirmation import ASKS_TO_CONFIRM, ask_to_confirm, is_confirmed
from app.pages.html.controller import PageController
from app.pages.html.destinations import ACCOUNT, see_other
from app.pages.html.forms import read_form
from app.pages.html.refusals import Refusal
from app.pages.html.rendering import render
from app.pages.html.state import PageState, state_cookie
from app.pages.sign_out import SIGNED_OUT

DELETE = f"{ACCOUNT}/delete"


class AccountDeletePage(PageController):
    """Deleting one's own account."""

    path = DELETE
    opt = ASKS_TO_CONFIRM

    @get(guards=[authorize_own("delete", "User")])
    async def show_delete(self, request: Request, resources: ResourcesDependency) -> Response[bytes]:
        """What goes and what stays, and the button, once the reader has proved who they are."""
        if not await is_confirmed(request):
            return ask_to_confirm(request, resources, DELETE)
        return render(request, "account_delete")

    @post(guards=[authorize_own("delete", "User"), step_up])
    async def delete_account(self, request: Request, resources: ResourcesDependency) -> Response[bytes]:
        """Delete the account, as `DELETE /api/users/me` does."""
        user, _ = user_and_session(request)
        try:
            await read_form(request)
            await delete_user(actor_of(request), resources, user.id)
        except Problem as problem:
            return render(request, "account_delete", refusal=Refusal(problem))
        cookie, state = resources.cookie, PageState(notice="account_deleted")
        return see_other(SIGNED_OUT, [*cookie.clear_elsewhere(), cookie.clear_cookie(), state_cookie(resources, state)])
