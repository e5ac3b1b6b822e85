"""`/onboarding`: the fields of the profile that are required and missing."""

from collections.abc import Sequence

from litestar import Response, get, post
from litestar.params import FromQuery
from msgspec import UNSET, structs

from app.domain.module import ResourcesDependency
from app.domain.resources import Resources
from app.domain.users.schemas import UserChange
from app.domain.users.service import change_profile
from app.errors import FieldError, Problem
from app.guards.authorize import SIGNED_IN, Request, authorize_fields
from app.guards.policy import is_onboarded
from app.http.requests import actor_of, user_and_session
from app.pages.html.controller import ONBOARDING, PageController
from app.pages.html.destinations import accepted_return, destination, see_other
from app.pages.html.forms import Form, read_form
from app.pages.html.phone import with_e164
from app.pages.html.profile_fields import ask_for
from app.pages.html.refusals import Refusal
from app.pages.html.rendering import render
from app.pages.html.state import PageState, read_state, state_cookie


class OnboardingPage(PageController):
    """Completing the profile."""

    path = ONBOARDING

    @get(guards=[SIGNED_IN])
    async def show_onboarding(
        self, request: Request, resources: ResourcesDependency, return_to: FromQuery[str | None] = None
    ) -> Response[bytes]:
        """The form; a complete profile leads on. `return_to` is kept, if it is a page of an accepted origin."""
        state = read_state(request, resources)
        accepted = accepted_return(resources.settings, return_to)
        if accepted is not None:
            state = structs.replace(state, return_to=accepted)
        if is_onboarded(request.user):
            return _go_on(resources, state)
        return _page(request, resources, cookies=[state_cookie(resources, state)] if accepted else ())

    @post(guards=[SIGNED_IN])
    async def complete_profile(self, request: Request, resources: ResourcesDependency) -> Response[bytes]:
        """Save the fields, as `PATCH /api/users/me` does."""
        (user, _), form, missing = user_and_session(request), Form(), _missing(request, resources)
        try:
            form = await read_form(request)
            change = with_e164(form).decode(UserChange, only=tuple(missing))
            _require(change, missing)
            authorize_fields(request, "update", "User", str(user.id), change)
            await change_profile(actor_of(request), resources, user.id, change)
        except Problem as problem:
            return _page(request, resources, Refusal(problem, form))
        return _go_on(resources, read_state(request, resources))


def _page(
    request: Request, resources: Resources, refusal: Refusal | None = None, cookies: Sequence[str] = ()
) -> Response[bytes]:
    profile = ask_for(request, _missing(request, resources))
    return render(request, "onboarding", refusal=refusal, cookies=cookies, profile=profile)


def _require(change: UserChange, missing: list[str]) -> None:
    """Raise `Problem` `validation_failed` that names each field of `missing` that the change leaves empty."""
    empty = [name for name in missing if getattr(change, name) in (UNSET, None)]
    if empty:
        errors = [FieldError(name, "missing", "This field is required") for name in empty]
        raise Problem("validation_failed", errors=errors)


def _missing(request: Request, resources: Resources) -> list[str]:
    user, _ = user_and_session(request)
    return [name for name in resources.settings.required_profile_fields if not getattr(user, name)]


def _go_on(resources: Resources, state: PageState) -> Response[bytes]:
    return see_other(destination(resources.settings, state.return_to), [state_cookie(resources, PageState())])
