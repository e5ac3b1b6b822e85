"""Routes on users: list, read, change a profile. Administration of accounts is in `flows/controllers.py`."""

from typing import Annotated

from litestar import Controller, get, patch
from litestar.params import FromQuery, JSONBody, QueryParameter

from app.ability.sql_filter import sql_filter
from app.domain.module import ResourcesDependency
from app.domain.users import service
from app.domain.users.account_view import account_view
from app.domain.users.fields import Status
from app.domain.users.models import User
from app.domain.users.repository import UserFilters
from app.domain.users.schemas import AccountView, UserChange
from app.guards.authorize import Request, ability_of, authorize, authorize_fields, authorize_some
from app.guards.roles import PlatformRole
from app.http.pagination import DEFAULT_LIMIT, Page, decode_time_cursor, page_of, time_cursor
from app.http.parameters import SEARCH_MAX, Cursor, Limit, UserId
from app.http.requests import actor_of, user_id_in_path

Search = Annotated[
    str | None,
    QueryParameter(
        max_length=SEARCH_MAX, pattern=r"^[^\x00]*(?![\s\S])", description="A part of the address or of the name."
    ),
]

# The columns behind the attributes of a `User` that rules of the policy can read.
COLUMNS = {
    "id": User.id,
    "name": User.name,
    "email": User.email,
    "phone": User.phone,
    "locale": User.locale,
    "platformRole": User.platform_role,
    "status": User.status,
}


class UserController(Controller):
    """Accounts: everybody's own, and all of them for platform admins."""

    path = "/api/users"
    tags = ("Users",)

    @get(guards=[authorize_some("administer", "User")])
    async def list_users(
        self,
        request: Request,
        resources: ResourcesDependency,
        search: Search = None,
        status: FromQuery[Status | None] = None,
        role: FromQuery[PlatformRole | None] = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Page[AccountView]:
        """The people that the caller may administer, oldest first. One's own record is `GET /api/users/me`.

        Programs are in `GET /api/service-accounts`.
        """
        allowed = sql_filter(ability_of(request), "administer", "User", COLUMNS)
        filters = UserFilters(search, status, role)
        rows = await service.list_users(resources, decode_time_cursor(cursor), limit + 1, filters, allowed)
        return page_of(
            rows,
            limit,
            lambda row: time_cursor(row.created_at, row.id),
            lambda row: account_view(ability_of(request), row),
        )

    @get("/{user_id:str}", guards=[authorize("read", "User", id_from="user_id")])
    async def get_user(self, request: Request, resources: ResourcesDependency, user_id: UserId) -> AccountView:
        """One user."""
        user = await service.read_user(resources, user_id_in_path(request, user_id))
        return account_view(ability_of(request), user)

    @patch("/{user_id:str}", guards=[authorize("update", "User", id_from="user_id")])
    async def update_user(
        self, request: Request, data: JSONBody[UserChange], resources: ResourcesDependency, user_id: UserId
    ) -> AccountView:
        """Change name, phone or locale."""
        named = user_id_in_path(request, user_id)
        authorize_fields(request, "update", "User", str(named), data)
        return account_view(
            ability_of(request), await service.change_profile(actor_of(request), resources, named, data)
        )
