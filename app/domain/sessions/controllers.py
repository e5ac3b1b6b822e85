"""Routes on sessions. Signing in is with the keys."""

from typing import Annotated, cast
from uuid import UUID

from litestar import Controller, Response, delete, get
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, HeaderParameter, SkipValidation

from app.auth.cookies import SessionCookie
from app.auth.middleware import SETS_COOKIE
from app.auth.principal import PrincipalSession, PrincipalUser
from app.domain.sessions.models import Session
from app.domain.sessions.schemas import SessionListItem, WhoAmI
from app.domain.sessions.service import SessionService
from app.domain.sessions.view import encode_with_etag
from app.domain.users.controllers import UserId
from app.errors import Problem
from app.guards.authorize import ANYONE, Request, ability_of, authorize, caller_id, missing, named_user_id, step_up
from app.http.pagination import DEFAULT_LIMIT, Cursor, Limit, Page, decode_uuid_cursor, page_of

Sessions = NamedDependency[SkipValidation[SessionService]]
Cookie = NamedDependency[SkipValidation[SessionCookie]]
SET_COOKIE = ResponseHeader(name="Set-Cookie", description="The session cookie.", documentation_only=True)
ETAG = ResponseHeader(name="ETag", description="Changes exactly when the body does.", documentation_only=True)
IfNoneMatch = Annotated[
    str | None, HeaderParameter(name="If-None-Match", description="The ETag of the copy that the client has.")
]


class SessionController(Controller):
    """The session of this request, and the user's other ones."""

    tags = ("Sessions",)

    @get(
        "/api/session",
        guards=[ANYONE],
        response_headers=[ETAG],
        responses={304: ResponseSpec(None, description="The client's copy is the present one.")},
    )
    async def read(self, request: Request, sessions: Sessions, if_none_match: IfNoneMatch = None) -> Response[WhoAmI]:
        """Who am I, and what may I do?

        Open to everyone: `user` is null when nobody is signed in. `rules` are raw CASL rules, for `@casl/ability`.
        Answers 304 where `If-None-Match` names the present ETag.
        """
        body, etag = encode_with_etag(sessions.describe(request.user, ability_of(request)))
        headers = {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Cookie, Authorization"}
        if if_none_match is not None and etag in if_none_match:
            return Response(None, status_code=304, headers=headers)  # type: ignore[arg-type] # 304 has no body
        # The body is encoded already: the ETag is made from it.
        return cast("Response[WhoAmI]", Response(body, headers=headers, media_type="application/json"))

    @delete("/api/session", guards=[ANYONE], opt={SETS_COOKIE: True}, response_headers=[SET_COOKIE])
    async def sign_out(self, request: Request, sessions: Sessions, cookie: Cookie) -> Response[None]:
        """Sign out: the session ends in the database, and the cookie goes. Harmless without a session."""
        if request.auth is not None:
            await sessions.end(request.auth)
        return Response(None, status_code=204, headers={"Set-Cookie": cookie.cleared()})

    @get("/api/sessions", guards=[authorize("read", "Session", own=True)])
    async def index(
        self, request: Request, sessions: Sessions, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
    ) -> Page[SessionListItem]:
        """The caller's own live sessions, oldest first."""
        user, session = signed_in(request)
        rows = await sessions.page(user.id, decode_uuid_cursor(cursor), limit + 1)
        return page_of(rows, limit, lambda row: row.id, lambda row: _item(row, session.id))

    @delete("/api/sessions", guards=[authorize("delete", "Session", own=True)])
    async def end_others(self, request: Request, sessions: Sessions) -> None:
        """End all the caller's sessions but this one."""
        user, session = signed_in(request)
        await sessions.end_others(user.id, session.id)

    @delete("/api/sessions/{session_id:uuid}", guards=[authorize("delete", "Session", own=True)])
    async def end_one(self, request: Request, sessions: Sessions, session_id: FromPath[UUID]) -> None:
        """End one of the caller's own sessions. Another's and an unknown one are refused alike."""
        user, _ = signed_in(request)
        if not await sessions.end_one(session_id, user.id):
            raise missing(request, "delete", "Session")

    @delete("/api/users/{user_id:str}/sessions", guards=[authorize("administer", "User", id_from="user_id"), step_up])
    async def end_all(self, request: Request, sessions: Sessions, user_id: UserId) -> None:
        """End all sessions of a user."""
        if not await sessions.end_all(named_user_id(request, user_id, "administer"), actor=caller_id(request)):
            raise missing(request, "administer", "User")


def signed_in(request: Request) -> tuple[PrincipalUser, PrincipalSession]:
    """The user and session that the route's guard has made sure of."""
    user, session = request.user.user, request.user.session
    if user is None or session is None:
        raise Problem("not_signed_in")
    return user, session


def _item(row: Session, current: UUID) -> SessionListItem:
    return SessionListItem(
        id=row.id,
        method=row.method,
        created_at=row.created_at,
        authenticated_at=row.authenticated_at,
        last_seen_at=row.last_seen_at,
        expires_at=min(row.idle_expires_at, row.expires_at),
        ip=row.ip,
        user_agent=row.user_agent,
        current=row.id == current,
    )
