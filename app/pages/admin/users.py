"""`/admin/users`: finding a user, and inviting a new one."""

from litestar import Response, get, post
from litestar.params import FromQuery

from app.ability.sql_filter import sql_filter
from app.domain.flows.administer_users import create_user
from app.domain.flows.schemas import NewUser
from app.domain.module import ResourcesDependency
from app.domain.users.controllers import COLUMNS, Search
from app.domain.users.repository import UserFilters
from app.domain.users.service import list_users
from app.errors import Problem
from app.guards.authorize import Request, ability_of, authorize_some
from app.guards.roles import PLATFORM_ROLES
from app.http.pagination import DEFAULT_LIMIT, decode_time_cursor, page_of, time_cursor
from app.http.parameters import Cursor
from app.http.requests import actor_of
from app.pages.admin.console import ADMIN, CONSOLE, done, show
from app.pages.html.controller import PageController
from app.pages.html.forms import Form, read_form
from app.pages.html.locales import locale_choices
from app.pages.html.refusals import Refusal

USERS = f"{ADMIN}/users"
STATUSES = ("active", "suspended")


class AdminUsersPage(PageController):
    """The users of the service."""

    path = USERS
    opt = CONSOLE

    @get(guards=[authorize_some("administer", "User")])
    async def show_users(
        self,
        request: Request,
        resources: ResourcesDependency,
        search: Search = None,
        status: FromQuery[str] = "",
        role: FromQuery[str] = "",
        cursor: Cursor = None,
    ) -> Response[bytes]:
        """The users that the reader may administer, oldest first, as `GET /api/users` lists them."""
        allowed = sql_filter(ability_of(request), "administer", "User", COLUMNS)
        filters = UserFilters(
            search or None, status if status in STATUSES else None, role if role in PLATFORM_ROLES else None
        )
        rows = await list_users(resources, decode_time_cursor(cursor), DEFAULT_LIMIT + 1, filters, allowed)
        page = page_of(rows, DEFAULT_LIMIT, lambda row: time_cursor(row.created_at, row.id), lambda row: row)
        return await show(
            request,
            resources,
            "admin_users",
            "users",
            users=page.items,
            filters={"search": search or "", "status": status, "role": role},
            next_cursor=page.next_cursor,
            cursor=cursor,
        )

    @get("/new", guards=[authorize_some("create", "User")])
    async def show_new_user(self, request: Request, resources: ResourcesDependency) -> Response[bytes]:
        """The form for a new user."""
        return await _new(request, resources)

    @post("/new", guards=[authorize_some("create", "User")])
    async def create_user(self, request: Request, resources: ResourcesDependency) -> Response[bytes]:
        """Create a user and mail them an invitation, as `POST /api/users` does."""
        form = Form()
        try:
            form = await read_form(request)
            new = form.decode(NewUser)
            user = await create_user(actor_of(request), resources, new.email, new.name, new.locale)
        except Problem as problem:
            return await _new(request, resources, Refusal(problem, form, about="email"))
        return done(request, resources, f"{USERS}/{user.id}", "user_created")


async def _new(request: Request, resources: ResourcesDependency, refusal: Refusal | None = None) -> Response[bytes]:
    return await show(request, resources, "admin_user_new", "users", refusal=refusal, locales=locale_choices(None))
