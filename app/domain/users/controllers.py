"""Routes on users."""

from typing import Annotated

from litestar import Controller, Response, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody, PathParameter, QueryParameter, SkipValidation

from app.ability.sql_filter import sql_filter
from app.domain.users.models import User
from app.domain.users.repository import Filters
from app.domain.users.schemas import (
    AccountView,
    NewUser,
    PlatformRole,
    PlatformRoleChange,
    Status,
    Suspension,
    UserChange,
)  # fmt: skip
from app.domain.users.service import UserService
from app.guards.authorize import (
    Request,
    ability_of,
    authorize,
    caller_id,
    missing,
    named_user_id,
    require_fields,
    step_up,
)
from app.http.pagination import DEFAULT_LIMIT, Cursor, Limit, Page, decode_time_cursor, page_of, time_cursor

Users = NamedDependency[SkipValidation[UserService]]
UserId = Annotated[str, PathParameter(description="The user's id, or `me`.")]
Search = Annotated[
    str | None,
    QueryParameter(pattern=r"^[^\x00]{0,200}(?![\s\S])", description="A part of the address or of the name."),
]

COLUMNS = {
    "id": User.id,
    "name": User.name,
    "email": User.email,
    "phone": User.phone,
    "locale": User.locale,
    "platformRole": User.platform_role,
    "status": User.status,
}

MAY_ADMINISTER = authorize("administer", "User", id_from="user_id")


class UserController(Controller):
    """Accounts: everybody's own, and all of them for platform admins."""

    path = "/api/users"
    tags = ("Users",)

    @post(guards=[authorize("create", "User")])
    async def create(self, request: Request, data: JSONBody[NewUser], users: Users) -> Response[AccountView]:
        """Create a user without a secret, and mail them an invitation."""
        user = await users.create(data.email, data.name)
        return Response(_view(user, request), status_code=201, headers={"Location": f"/api/users/{user.id}"})

    @get(guards=[authorize("read", "User", listing=True)])
    async def index(
        self,
        request: Request,
        users: Users,
        search: Search = None,
        status: FromQuery[Status | None] = None,
        role: FromQuery[PlatformRole | None] = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Page[AccountView]:
        """The users that the caller may read, oldest first."""
        allowed = sql_filter(ability_of(request), "read", "User", COLUMNS)
        rows = await users.page(decode_time_cursor(cursor), limit + 1, Filters(search, status, role), allowed)
        return page_of(rows, limit, lambda row: time_cursor(row.created_at, row.id), lambda row: _view(row, request))

    @get("/{user_id:str}", guards=[authorize("read", "User", id_from="user_id")])
    async def read(self, request: Request, users: Users, user_id: UserId) -> AccountView:
        """One user."""
        user = await users.read(named_user_id(request, user_id, "read"))
        if user is None:
            raise missing(request, "read", "User")
        return _view(user, request)

    @patch("/{user_id:str}", guards=[authorize("update", "User", id_from="user_id")])
    async def change(self, request: Request, data: JSONBody[UserChange], users: Users, user_id: UserId) -> AccountView:
        """Change name, phone or locale."""
        named = named_user_id(request, user_id, "update")
        require_fields(request, "update", "User", str(named), data)
        user = await users.change(named, data, actor=caller_id(request))
        if user is None:
            raise missing(request, "update", "User")
        return _view(user, request)

    @delete("/{user_id:str}", guards=[authorize("delete", "User", id_from="user_id"), step_up])
    async def remove(self, request: Request, users: Users, user_id: UserId) -> None:
        """Delete an account. What the user wrote stays, by a deleted user. The last platform admin stays: 409."""
        await users.remove(named_user_id(request, user_id, "delete"), actor=caller_id(request))

    @post("/{user_id:str}/invitation", guards=[MAY_ADMINISTER], status_code=204)
    async def invite_again(self, request: Request, users: Users, user_id: UserId) -> None:
        """Mail a new invitation to a user who has not accepted yet; the link before it is void.

        To revoke an invitation, delete the user.
        """
        await users.invite_again(named_user_id(request, user_id, "administer"), actor=caller_id(request))

    @put("/{user_id:str}/platform-role", guards=[MAY_ADMINISTER, step_up], status_code=204)
    async def set_platform_role(
        self, request: Request, data: JSONBody[PlatformRoleChange], users: Users, user_id: UserId
    ) -> None:
        """Grant or revoke the platform role. Who gains it signs in anew. The last platform admin keeps it: 409."""
        named = named_user_id(request, user_id, "administer")
        change = users.grant_admin if data.role else users.revoke_admin
        await change(named, actor=caller_id(request))

    @post("/{user_id:str}/suspension", guards=[MAY_ADMINISTER, step_up], status_code=204)
    async def suspend(self, request: Request, data: JSONBody[Suspension], users: Users, user_id: UserId) -> None:
        """Suspend: all sessions and outstanding links of the user end at once."""
        await users.suspend(named_user_id(request, user_id, "administer"), data.reason, actor=caller_id(request))

    @delete("/{user_id:str}/suspension", guards=[MAY_ADMINISTER, step_up])
    async def restore(self, request: Request, users: Users, user_id: UserId) -> None:
        """Undo a suspension."""
        await users.restore(named_user_id(request, user_id, "administer"), actor=caller_id(request))


def _view(user: User, request: Request) -> AccountView:
    shown = ability_of(request).can_every("administer", "User")
    return AccountView(
        id=user.id,
        email=user.email,
        name=user.name,
        phone=user.phone,
        locale=user.locale,
        platform_role=user.platform_role,  # type: ignore[arg-type] # the table's check constraint holds it
        status=user.status,  # type: ignore[arg-type] # the table's check constraint holds it
        suspension_reason=user.suspension_reason if shown else None,
        onboarded_at=user.onboarded_at,
        created_at=user.created_at,
        updated_at=user.updated_at,
    )
