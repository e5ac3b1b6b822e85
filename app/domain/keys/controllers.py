"""Routes on keys, and signing in with them."""

from typing import cast
from uuid import UUID

from litestar import Controller, Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, SkipValidation

from app.auth.middleware import SETS_COOKIE
from app.domain.keys.models import Key
from app.domain.keys.schemas import KeyView, NewSecret, PasswordReauthentication, PasswordSignIn, Redemption
from app.domain.keys.service import KeyService
from app.domain.sessions.controllers import ETAG, SET_COOKIE, Cookie, Sessions, signed_in
from app.domain.sessions.schemas import Client, StartedSession, WhoAmI
from app.domain.sessions.view import encode_with_etag, who_am_i
from app.errors import Problem
from app.guards.authorize import ANYONE, SIGNED_IN, Request, authorize, missing, step_up
from app.guards.policy import ability_for
from app.pagination import DEFAULT_LIMIT, Cursor, Limit, Page, decode_uuid_cursor, page_of

Keys = NamedDependency[SkipValidation[KeyService]]


class SignInController(Controller):
    """Signing in, and proving it again."""

    tags = ("Sessions",)

    @post("/api/session", guards=[ANYONE], opt={SETS_COOKIE: True}, response_headers=[SET_COOKIE, ETAG])
    async def sign_in(
        self,
        request: Request,
        data: JSONBody[PasswordSignIn],
        keys: Keys,
        sessions: Sessions,
        cookie: Cookie,
    ) -> Response[WhoAmI]:
        """Sign in with email and secret: 201, the `auth_session` cookie, and who you are.

        A session that the client already had ends. Unknown address, wrong secret, no secret and suspended user get the
        same 401 after the same time (OWASP ASVS 5.0, 6.3.8).
        """
        started = await keys.sign_in(data.email, data.secret, client_of(request), request.auth)
        return await _signed_in(started, sessions, cookie, 201)

    @post(
        "/api/session/reauthentication",
        guards=[SIGNED_IN],
        status_code=200,
        opt={SETS_COOKIE: True},
        response_headers=[SET_COOKIE, ETAG],
    )
    async def reauthenticate(
        self,
        request: Request,
        data: JSONBody[PasswordReauthentication],
        keys: Keys,
        sessions: Sessions,
        cookie: Cookie,
    ) -> Response[WhoAmI]:
        """Prove again who you are, before a sensitive action. The session gets a new token (OWASP ASVS 5.0, 7.2.4)."""
        user, _ = signed_in(request)
        started = await keys.reauthenticate(user, _token(request), data.secret)
        return await _signed_in(started, sessions, cookie, 200)


class KeyController(Controller):
    """The caller's keys, and the links of single-use keys."""

    tags = ("Keys",)

    @post("/api/keys/redeem", guards=[ANYONE], opt={SETS_COOKIE: True}, response_headers=[SET_COOKIE, ETAG])
    async def redeem(
        self, request: Request, data: JSONBody[Redemption], keys: Keys, sessions: Sessions, cookie: Cookie
    ) -> Response[WhoAmI]:
        """Use a one-time link: do what it is for, and sign in. 201 with the cookie.

        An invitation takes `name` and `secret`, the setup link `email` besides. A link works once; an expired, used,
        foreign or unknown one gets the same 410. A refused value (422) leaves it usable.
        """
        started = await keys.redeem(data, client_of(request), request.auth)
        return await _signed_in(started, sessions, cookie, 201)

    @get("/api/keys", guards=[authorize("read", "Key", own=True)])
    async def index(
        self, request: Request, keys: Keys, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
    ) -> Page[KeyView]:
        """The caller's own keys, oldest first; never a hash."""
        user, _ = signed_in(request)
        rows = await keys.page(user.id, decode_uuid_cursor(cursor), limit + 1)
        return page_of(rows, limit, lambda row: row.id, _view)

    @delete("/api/keys/{key_id:uuid}", guards=[authorize("delete", "Key", own=True)])
    async def drop(self, request: Request, keys: Keys, key_id: FromPath[UUID]) -> None:
        """Drop one of the caller's secondary keys. The primary key stays: 409."""
        user, _ = signed_in(request)
        if not await keys.delete(key_id, user.id):
            raise missing(request, "delete", "Key")

    @put(
        "/api/keys/primary/secret",
        guards=[authorize("update", "Key", own=True), step_up],
        status_code=204,
        opt={SETS_COOKIE: True},
        response_headers=[SET_COOKIE],
    )
    async def set_secret(
        self, request: Request, data: JSONBody[NewSecret], keys: Keys, cookie: Cookie
    ) -> Response[None]:
        """Set or change the secret. All other sessions and all outstanding links end; this session gets a new token."""
        user, session = signed_in(request)
        started = await keys.set_secret(user, session.id, _token(request), data.secret)
        return Response(None, status_code=204, headers={"Set-Cookie": cookie.kept(started.token, started.max_age)})


def client_of(request: Request) -> Client:
    """Where the request comes from; behind a trusted proxy, the address that the proxy tells."""
    return Client(request.client.host if request.client else None, request.headers.get("user-agent"))


async def _signed_in(started: StartedSession, sessions: Sessions, cookie: Cookie, status: int) -> Response[WhoAmI]:
    principal = await sessions.authenticate(started.token)
    body, etag = encode_with_etag(who_am_i(principal, ability_for(principal)))
    headers = {
        "Set-Cookie": cookie.kept(started.token, started.max_age),
        "Location": "/api/session",
        "ETag": etag,
    }
    # The body is encoded already: the ETag is made from it.
    return cast("Response[WhoAmI]", Response(body, status_code=status, headers=headers, media_type="application/json"))


def _token(request: Request) -> str:
    if request.auth is None:
        raise Problem("not_signed_in")
    return request.auth


def _view(row: Key) -> KeyView:
    return KeyView(
        id=row.id,
        kind=row.kind,
        identifier=row.identifier if row.kind == "primary" else None,
        has_secret=row.kind == "primary" and row.secret_hash is not None,
        purpose=row.purpose,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        expires_at=row.expires_at,
    )
