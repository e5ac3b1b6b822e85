"""`/account/profile`: name, phone number, and the language of the user."""

from litestar import Response, get, post
from msgspec import structs

from app.domain.module import ResourcesDependency
from app.domain.users.schemas import UserChange
from app.domain.users.service import change_profile
from app.errors import Problem
from app.guards.authorize import Request, authorize_fields, authorize_own
from app.guards.policy import PROFILE
from app.http.requests import actor_of, user_and_session
from app.pages.html.controller import PageController
from app.pages.html.destinations import ACCOUNT, see_other
from app.pages.html.forms import Form, read_form
from app.pages.html.locales import locale_choices
from app.pages.html.phone import with_e164
from app.pages.html.profile_fields import ask_for
from app.pages.html.refusals import Refusal
from app.pages.html.rendering import render
from app.pages.html.state import read_state, state_cookie


class AccountProfilePage(PageController):
    """The profile of the reader."""

    path = "/account/profile"

    @get(guards=[authorize_own("update", "User")])
    async def show_profile(self, request: Request) -> Response[bytes]:
        """The form, with the present values."""
        return _page(request)

    @post(guards=[authorize_own("update", "User")])
    async def change_profile(self, request: Request, resources: ResourcesDependency) -> Response[bytes]:
        """Save the fields, as `PATCH /api/users/me` does."""
        (user, _), form = user_and_session(request), Form()
        try:
            form = await read_form(request)
            change = with_e164(form).decode(UserChange, only=PROFILE)
            authorize_fields(request, "update", "User", str(user.id), change)
            await change_profile(actor_of(request), resources, user.id, change)
        except Problem as problem:
            return _page(request, Refusal(problem, form))
        state = structs.replace(read_state(request, resources), notice="profile_saved")
        return see_other(ACCOUNT, [state_cookie(resources, state)])


def _page(request: Request, refusal: Refusal | None = None) -> Response[bytes]:
    user, _ = user_and_session(request)
    return render(
        request,
        "account_profile",
        refusal=refusal,
        profile=ask_for(request, ("name", "phone")),
        values={"name": user.name, "phone": user.phone},
        locales=locale_choices(user.locale),
        chosen=user.locale or "",
    )
