"""`/admin/users/{id}`: one user: profile, role, suspension, invitation, sessions, and the end of the account."""

from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath

from app.domain.flows import administer_users
from app.domain.flows.schemas import PlatformRoleChange, Suspension
from app.domain.module import ResourcesDependency
from app.domain.users.account_view import account_view
from app.domain.users.schemas import UserChange
from app.domain.users.service import change_profile, read_user
from app.errors import Problem
from app.guards.authorize import Request, ability_of, authorize, authorize_fields, step_up
from app.guards.policy import PROFILE
from app.guards.roles import PLATFORM_ROLES
from app.http.requests import actor_of
from app.pages.admin.console import CONSOLE, done, prove_first, show
from app.pages.admin.users import USERS
from app.pages.html.controller import PageController
from app.pages.html.forms import Form, read_form
from app.pages.html.locales import locale_choices
from app.pages.html.refusals import Refusal

MAY_SEE = authorize("administer", "User", id_from="user_id")
MAY_SET_ROLE = authorize("administer", "User", id_from="user_id", field="platformRole")
MAY_SET_STATUS = authorize("administer", "User", id_from="user_id", field="status")
NEED_PROOF = [f"/{{user_id:uuid}}/{name}" for name in ("role", "suspend", "restore", "end-sessions", "delete")]


class AdminUserPage(PageController):
    """One user."""

    path = USERS
    opt = CONSOLE

    @get("/{user_id:uuid}", guards=[MAY_SEE])
    async def show_user(
        self, request: Request, resources: ResourcesDependency, user_id: FromPath[UUID]
    ) -> Response[bytes]:
        """The user, with the forms for what the reader may do."""
        return await _page(request, resources, user_id)

    @get(NEED_PROOF, guards=[MAY_SEE])
    async def prove_first(
        self, request: Request, resources: ResourcesDependency, user_id: FromPath[UUID]
    ) -> Response[bytes]:
        """The question who the reader is, and then the user again."""
        return await prove_first(request, resources, f"{USERS}/{user_id}")

    @post("/{user_id:uuid}/profile", guards=[authorize("update", "User", id_from="user_id")])
    async def change_profile(
        self, request: Request, resources: ResourcesDependency, user_id: FromPath[UUID]
    ) -> Response[bytes]:
        """Save name, phone and locale, as `PATCH /api/users/{userId}` does."""
        form = Form()
        try:
            form = await read_form(request)
            change = form.decode(UserChange, only=PROFILE)
            authorize_fields(request, "update", "User", str(user_id), change)
            await change_profile(actor_of(request), resources, user_id, change)
        except Problem as problem:
            return await _page(request, resources, user_id, Refusal(problem, form))
        return done(request, resources, f"{USERS}/{user_id}", "profile_saved")

    @post("/{user_id:uuid}/role", guards=[MAY_SET_ROLE, step_up])
    async def set_role(
        self, request: Request, resources: ResourcesDependency, user_id: FromPath[UUID]
    ) -> Response[bytes]:
        """Set or remove the platform role, as `PUT /api/users/{userId}/platform-role` does."""
        form = Form()
        try:
            form = await read_form(request)
            change = form.decode(PlatformRoleChange)
            await administer_users.set_platform_role(actor_of(request), resources, user_id, change.role)
        except Problem as problem:
            return await _page(request, resources, user_id, Refusal(problem, form, about="role"))
        return done(request, resources, f"{USERS}/{user_id}", "role_saved")

    @post("/{user_id:uuid}/suspend", guards=[MAY_SET_STATUS, step_up])
    async def suspend(
        self, request: Request, resources: ResourcesDependency, user_id: FromPath[UUID]
    ) -> Response[bytes]:
        """Suspend the account, as `POST /api/users/{userId}/suspension` does."""
        form = Form()
        try:
            form = await read_form(request)
            reason = form.decode(Suspension).reason
            await administer_users.suspend_user(actor_of(request), resources, user_id, reason)
        except Problem as problem:
            return await _page(request, resources, user_id, Refusal(problem, form, about="reason"))
        return done(request, resources, f"{USERS}/{user_id}", "suspended_now")

    @post("/{user_id:uuid}/restore", guards=[MAY_SET_STATUS, step_up])
    async def restore(
        self, request: Request, resources: ResourcesDependency, user_id: FromPath[UUID]
    ) -> Response[bytes]:
        """Undo the suspension, as `DELETE /api/users/{userId}/suspension` does."""
        await administer_users.restore_user(actor_of(request), resources, user_id)
        return done(request, resources, f"{USERS}/{user_id}", "restored_now")

    @post("/{user_id:uuid}/invite", guards=[MAY_SEE])
    async def invite_again(
        self, request: Request, resources: ResourcesDependency, user_id: FromPath[UUID]
    ) -> Response[bytes]:
        """Mail a new invitation, as `POST /api/users/{userId}/invitation` does."""
        try:
            await administer_users.invite_user_again(actor_of(request), resources, user_id)
        except Problem as problem:
            return await _page(request, resources, user_id, Refusal(problem))
        return done(request, resources, f"{USERS}/{user_id}", "invited_again")

    @post("/{user_id:uuid}/end-sessions", guards=[MAY_SEE, step_up])
    async def end_sessions(
        self, request: Request, resources: ResourcesDependency, user_id: FromPath[UUID]
    ) -> Response[bytes]:
        """End all sessions of the user, as `DELETE /api/users/{userId}/sessions` does."""
        await administer_users.end_sessions(actor_of(request), resources, user_id)
        return done(request, resources, f"{USERS}/{user_id}", "sessions_ended")

    @post("/{user_id:uuid}/delete", guards=[authorize("delete", "User", id_from="user_id"), step_up])
    async def delete_user(
        self, request: Request, resources: ResourcesDependency, user_id: FromPath[UUID]
    ) -> Response[bytes]:
        """Delete the account, as `DELETE /api/users/{userId}` does."""
        try:
            await administer_users.delete_user(actor_of(request), resources, user_id)
        except Problem as problem:
            return await _page(request, resources, user_id, Refusal(problem))
        return done(request, resources, USERS, "user_deleted")


async def _page(
    request: Request, resources: ResourcesDependency, user_id: UUID, refusal: Refusal | None = None
) -> Response[bytes]:
    account = account_view(ability_of(request), await read_user(resources, user_id))
    return await show(
        request,
        resources,
        "admin_user",
        "users",
        refusal=refusal,
        account=account,
        roles=PLATFORM_ROLES,
        locales=locale_choices(account.locale),
    )
