"""`/account`: what the service knows about its reader, and everything that they can change or end."""

from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from msgspec import structs

from app.auth.email_addresses import normalise
from app.auth.middleware import NEEDS_DETAILS, SETS_COOKIE
from app.domain.keys import service as keys
from app.domain.languages.members.repository import memberships_of
from app.domain.languages.members.service import leave_language
from app.domain.module import ResourcesDependency
from app.domain.resources import Resources
from app.domain.sessions import service as sessions
from app.domain.sessions.device_names import device_names
from app.guards.authorize import Request, authorize, authorize_list, authorize_own
from app.http.pagination import DEFAULT_LIMIT, MAX_LIMIT, decode_cursor, decode_uuid_cursor, page_of
from app.http.requests import actor_of, user_and_session
from app.pages.html.controller import PAGE, PageController
from app.pages.html.destinations import ACCOUNT, see_other
from app.pages.html.locales import name_of_locale
from app.pages.html.rendering import render
from app.pages.html.state import read_state, state_cookie

# What the page shows beside the sessions.
SHOWS_TOO = (authorize_own("read", "Key"), authorize_own("read", "User"), authorize_list("read", "Language"))
EMAIL_CHANGE = "email_change"


class AccountPage(PageController):
    """The account of the reader."""

    path = ACCOUNT
    opt = {PAGE: True, SETS_COOKIE: True, NEEDS_DETAILS: True}  # noqa: RUF012 # as in Controller

    @get(guards=[authorize_own("read", "Session")])
    async def show_account(
        self,
        request: Request,
        resources: ResourcesDependency,
        sessions_after: FromQuery[str | None] = None,
        languages_after: FromQuery[str | None] = None,
    ) -> Response[bytes]:
        """Profile, ways to sign in, devices, languages and outstanding codes.

        Long lists go on after the cursors of the parameters.
        """
        for guard in SHOWS_TOO:
            await guard(request, request.route_handler)
        (user, current), state, database = user_and_session(request), read_state(request, resources), resources.database
        after = decode_uuid_cursor(sessions_after)
        live = await sessions.list_sessions(resources, user.id, after, DEFAULT_LIMIT + 1)
        named = [*zip(live, await device_names([session.user_agent for session in live]), strict=True)]
        languages = await memberships_of(database, user.id, decode_cursor(languages_after), DEFAULT_LIMIT + 1)
        outstanding = [
            key for key in await keys.list_keys(resources, user.id, None, None, MAX_LIMIT) if key.kind != "primary"
        ]
        devices = page_of(named, DEFAULT_LIMIT, lambda row: row[0].id, lambda row: row)
        return render(
            request,
            "account",
            cookies=[state_cookie(resources, structs.replace(state, notice=""))] if state.notice else (),
            notice=state.notice,
            details=request.user.details,
            language_of_user=name_of_locale(user.locale) if user.locale else "",
            # The session of the page first.
            devices=sorted(devices.items, key=lambda row: row[0].id != current.id),
            more_devices=devices.next_cursor,
            current=current.id,
            languages=page_of(languages, DEFAULT_LIMIT, lambda row: row.language_code, lambda row: row),
            changes=[key for key in outstanding if key.purpose == EMAIL_CHANGE],
            # The new address whose code this browser can enter.
            entering=normalise(state.email).unique if state.purpose == EMAIL_CHANGE else "",
            outstanding=[key for key in outstanding if key.purpose != EMAIL_CHANGE],
        )

    @post("/sessions/end-others", guards=[authorize_own("delete", "Session")])
    async def end_other_sessions(self, request: Request, resources: ResourcesDependency) -> Response[bytes]:
        """End all the reader's sessions but this one, as `DELETE /api/sessions` does."""
        await sessions.end_other_sessions(actor_of(request), resources)
        return _done(request, resources, "others_ended")

    @post("/sessions/{session_id:uuid}/end", guards=[authorize_own("delete", "Session")])
    async def end_session(
        self, request: Request, resources: ResourcesDependency, session_id: FromPath[UUID]
    ) -> Response[bytes]:
        """End one of the reader's sessions, as `DELETE /api/sessions/{sessionId}` does."""
        await sessions.end_own_session(actor_of(request), resources, session_id)
        return _done(request, resources, "session_ended")

    @post("/keys/{key_id:uuid}/cancel", guards=[authorize_own("delete", "Key")])
    async def cancel_key(
        self, request: Request, resources: ResourcesDependency, key_id: FromPath[UUID]
    ) -> Response[bytes]:
        """Cancel a change of the address, or a link or code, as `DELETE /api/keys/{keyId}` does."""
        await keys.delete_key(actor_of(request), resources, key_id)
        return _done(request, resources, "key_cancelled")

    @post("/languages/{code:str}/leave", guards=[authorize("read", "Language", id_from="code")])
    async def leave_language(
        self, request: Request, resources: ResourcesDependency, code: FromPath[str]
    ) -> Response[bytes]:
        """Leave a language, as `DELETE /api/languages/{languageCode}/members/me` does."""
        await leave_language(actor_of(request), resources, code)
        return _done(request, resources, "language_left")


def _done(request: Request, resources: Resources, notice: str) -> Response[bytes]:
    """Back to the account, which says what has been done."""
    state = structs.replace(read_state(request, resources), notice=notice)
    return see_other(ACCOUNT, [state_cookie(resources, state)])
