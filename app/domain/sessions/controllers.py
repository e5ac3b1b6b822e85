"""Routes on sessions: the session of the request, and the list of the user's own. Signing in is a flow."""

from typing import cast
from uuid import UUID

from litestar import Controller, Response, delete, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody
from litestar.types import Scope

from app.auth.middleware import ACCEPTS_REPLACED, IS_NO_USE, NEEDS_DETAILS, PRESENTED_TOKENS, SETS_COOKIE
from app.auth.principal import Principal
from app.domain.module import ResourcesDependency
from app.domain.sessions import service
from app.domain.sessions.change_events import ChangeEvents
from app.domain.sessions.descriptions import HEADERS, description_of, ready_description
from app.domain.sessions.device_names import device_names
from app.domain.sessions.disowning import disown_session
from app.domain.sessions.models import Session
from app.domain.sessions.schemas import DisownedSession, DisowningInput, SessionListItem, StreamedEvent, WhoAmI
from app.domain.sessions.who_am_i import who_am_i
from app.guards.authorize import ANYONE, SIGNED_IN, Request, authorize_own
from app.http.direct_answers import DirectAnswers
from app.http.event_streams import MEDIA_TYPE, EventStream
from app.http.pagination import DEFAULT_LIMIT, Page, decode_uuid_cursor, page_of
from app.http.parameters import BODY_ETAG, SET_COOKIE, UNCHANGED, Cursor, IfNoneMatch, Limit
from app.http.preconditions import encode_with_etag, is_unchanged
from app.http.ready_answers import ReadyAnswer
from app.http.requests import actor_of, user_and_session
from app.http.responses import encoded_response, set_cookies, unchanged_response
from app.postgres.rows import to_struct


def find_description(scope: Scope) -> ReadyAnswer | None:
    """The answer about a signed-in caller. For anybody else the route looks for the end of a session."""
    principal: Principal = scope["user"]
    if principal.user is None:
        return None
    return ready_description(principal) or description_of(principal, scope["litestar_app"].state.settings)


class SessionController(Controller):
    """The session of this request, and the user's other ones."""

    tags = ("Sessions",)

    @get(
        "/api/session",
        guards=[ANYONE],
        middleware=[DirectAnswers(find_description)],
        opt={NEEDS_DETAILS: True},
        response_headers=[BODY_ETAG],
        responses={304: UNCHANGED},
    )
    async def get_session(
        self, request: Request, resources: ResourcesDependency, if_none_match: IfNoneMatch = None
    ) -> Response[WhoAmI]:
        """Who am I, and what may I do?

        Open to everyone: `user` is null when nobody is signed in, and `ended` says why if the client presents the token
        of a session that has ended. `rules` are raw CASL rules, for `@casl/ability`.
        Answers 304 if `If-None-Match` names the current ETag.
        """
        direct = find_description(request.scope)
        if direct:
            body, etag = direct.body, direct.etag.decode()
        else:
            end = await service.end_of_session(resources, request.scope["state"].get(PRESENTED_TOKENS, ()))
            body, etag = encode_with_etag(who_am_i(request.user, resources.settings, end))
        headers = {"ETag": etag, **{name.decode(): value.decode() for name, value in HEADERS}}
        unchanged = is_unchanged(if_none_match, etag)
        return unchanged_response(headers) if unchanged else encoded_response(WhoAmI, body, headers)

    @get(
        "/api/session/events",
        guards=[SIGNED_IN],
        opt={IS_NO_USE: True, NEEDS_DETAILS: True},
        responses={
            200: ResponseSpec(
                StreamedEvent,
                description="Server-sent events, each like this.",
                media_type=MEDIA_TYPE,
                generate_examples=False,
            )
        },
    )
    async def stream_session_events(self, request: Request) -> EventStream:
        """Be told when the session changes or ends: server-sent events, for `EventSource`.

        `listening` (data `{}`) comes first, and tells that events arrive: a proxy can hold them back.
        `rules` (data `{}`): what `GET /api/session` answers has changed, such as a role. `ended` (data
        `{"reason": "revoked"}`, as in `ended` of `GET /api/session`): the session has ended, and the stream with it.
        The stream also ends when the session gets a new token and when the service stops: open it again. An open stream
        is no use of the session, which expires as if there were none.

        Offered if `GET /api/config` says `sessionEvents`. 429 for more than 5 streams of a user.
        """
        user_and_session(request)
        events = cast("ChangeEvents", request.app.state.change_events)
        return EventStream(events.open(request.user, request.auth or ""))

    @delete(
        "/api/session",
        guards=[ANYONE],
        opt={SETS_COOKIE: True, ACCEPTS_REPLACED: True},
        response_headers=[SET_COOKIE],
    )
    async def sign_out(self, request: Request, resources: ResourcesDependency) -> Response[None]:
        """Sign out: the session ends in the database, and the cookie is cleared.

        Without a session, only the cookie is cleared. Where the request presents several tokens, as cookies or as
        bearer token and cookie, the sessions of all of them end.
        """
        await service.end_current_session(actor_of(request), resources)
        cookies = [*resources.cookie.clear_elsewhere(), resources.cookie.clear_cookie()]
        return Response(None, status_code=204, cookies=set_cookies(cookies))

    @get("/api/sessions", guards=[authorize_own("read", "Session")])
    async def list_sessions(
        self, request: Request, resources: ResourcesDependency, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
    ) -> Page[SessionListItem]:
        """The caller's own live sessions, oldest first."""
        user, session = user_and_session(request)
        rows = await service.list_sessions(resources, user.id, decode_uuid_cursor(cursor), limit + 1)
        names = dict(zip(rows, await device_names([row.user_agent for row in rows]), strict=True))
        return page_of(rows, limit, lambda row: row.id, lambda row: _item(row, session.id, names[row]))

    @delete("/api/sessions", guards=[authorize_own("delete", "Session")])
    async def end_other_sessions(self, request: Request, resources: ResourcesDependency) -> None:
        """End all the caller's sessions but this one."""
        await service.end_other_sessions(actor_of(request), resources)

    @delete("/api/sessions/{session_id:uuid}", guards=[authorize_own("delete", "Session")])
    async def end_session(self, request: Request, resources: ResourcesDependency, session_id: FromPath[UUID]) -> None:
        """End one of the caller's own sessions. A session of somebody else is refused like an unknown one."""
        await service.end_own_session(actor_of(request), resources, session_id)

    @post("/api/sessions/disown", guards=[ANYONE], status_code=200)
    async def disown_session(
        self, request: Request, data: JSONBody[DisowningInput], resources: ResourcesDependency
    ) -> DisownedSession:
        """End the session that a mail about a sign-in on a new device is about, with the token of the link in it.

        The answer has the address of the user, for which a new password can be asked for with `POST /api/keys`. The
        token works for 7 days, also again, and can do nothing else. 410 for any other text.
        """
        return await disown_session(actor_of(request), resources, data.token)


def _item(row: Session, current: UUID, device_name: str | None) -> SessionListItem:
    return to_struct(SessionListItem, row, device_name=device_name, current=row.id == current)
