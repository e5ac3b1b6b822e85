"""Routes on keys, and signing in with them."""

from typing import NamedTuple, cast
from uuid import UUID

from litestar import Controller, Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, SkipValidation

from app.auth.cookies import SessionCookie
from app.auth.middleware import SETS_COOKIE
from app.domain.flows.purposes import sign_in
from app.domain.flows.redeem_key import Caller, RedeemService
from app.domain.flows.request_key import PURPOSES_OF_USERS, AskService
from app.domain.keys.models import Key
from app.domain.keys.schemas import (
    Accepted,
    CodeSignIn,
    Inspected,
    KeyRequest,
    KeyView,
    LinkSignIn,
    LinkToken,
    NewSecret,
    PasswordProof,
    PasswordSignIn,
    Reauthentication,
    Redemption,
    SignIn,
)
from app.domain.keys.service import KeyService
from app.domain.sessions.controllers import ETAG, SET_COOKIE, signed_in
from app.domain.sessions.schemas import Client, StartedSession, WhoAmI
from app.domain.sessions.service import SessionService
from app.domain.sessions.view import encode_with_etag
from app.errors import Problem
from app.guards.authorize import ANYONE, SIGNED_IN, Request, authorize, missing, step_up
from app.guards.policy import ability_for
from app.http.pagination import DEFAULT_LIMIT, Cursor, Limit, Page, decode_uuid_cursor, page_of

Keys = NamedDependency[SkipValidation[KeyService]]
Asking = NamedDependency[SkipValidation[AskService]]
Redeeming = NamedDependency[SkipValidation[RedeemService]]


class SignInServices(NamedTuple):
    """What signing in takes, as one dependency: for two or more the framework opens a task group in each request."""

    keys: KeyService
    redeeming: RedeemService
    sessions: SessionService
    cookie: SessionCookie


SigningIn = NamedDependency[SkipValidation[SignInServices]]

MAY_ASK_AS_USER = (authorize("update", "Key", own=True), step_up)


class SignInController(Controller):
    """Signing in, and proving it again."""

    tags = ("Sessions",)

    @post("/api/session", guards=[ANYONE], opt={SETS_COOKIE: True}, response_headers=[SET_COOKIE, ETAG])
    async def sign_in(
        self,
        request: Request,
        data: JSONBody[SignIn],
        services: SigningIn,
    ) -> Response[WhoAmI]:
        """Sign in with email and secret, or with a code or link of the purpose `sign_in`.

        201, the `auth_session` cookie, and who you are. A session that the client already had ends. Unknown address,
        wrong secret, no secret and suspended user get the same 401 after the same time (OWASP ASVS 5.0, 6.3.8).
        """
        started = await _start(data, services, _caller(request))
        return await _signed_in(started, services, 201)

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
        data: JSONBody[Reauthentication],
        services: SigningIn,
    ) -> Response[WhoAmI]:
        """Prove again who you are, before a sensitive action. The session gets a new token (OWASP ASVS 5.0, 7.2.4)."""
        user, _ = signed_in(request)
        if isinstance(data, PasswordProof):
            started = await services.keys.reauthenticate(user, _token(request), data.secret)
        else:
            started = await services.redeeming.reauthenticate(user, data.code, _caller(request))
        return await _signed_in(started, services, 200)


class KeyController(Controller):
    """The caller's keys, and single-use keys for everybody."""

    path = "/api/keys"
    tags = ("Keys",)

    @post(guards=[ANYONE], status_code=202)
    async def ask(self, request: Request, data: JSONBody[KeyRequest], asking: Asking) -> Accepted:
        """Ask for a code or link by mail; a purpose that nobody can ask for is refused with those that can be.

        202 for every address, known or not, in the same words and time; `email_change` is for a signed-in user who has
        proved themselves a short while ago. 429 with Retry-After where an address or client asks too often.
        """
        if data.purpose in PURPOSES_OF_USERS:
            for guard in MAY_ASK_AS_USER:
                await guard(request, request.route_handler)
        await asking.ask(data, client_of(request).ip or "", request.user.user.id if request.user.user else None)
        return Accepted()

    @post("/inspect", guards=[ANYONE], status_code=200)
    async def inspect(self, data: JSONBody[LinkToken], redeeming: Redeeming) -> Inspected:
        """What a link is for, for which address, and what redeeming it takes. Nothing is consumed."""
        return await redeeming.inspect(data.token)

    @post("/redeem", guards=[ANYONE], opt={SETS_COOKIE: True}, response_headers=[SET_COOKIE, ETAG])
    async def redeem(self, request: Request, data: JSONBody[Redemption], services: SigningIn) -> Response[WhoAmI]:
        """Use a one-time link or code: do what it is for, and sign in. 201 with the cookie.

        A key works once; an expired, used, foreign or unknown one gets the same 410. A refused value (422) leaves it
        usable, but takes one of a code's attempts.
        """
        started = await services.redeeming.redeem(data, _caller(request))
        return await _signed_in(started, services, 201)

    @get(guards=[authorize("read", "Key", own=True)])
    async def index(
        self, request: Request, keys: Keys, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
    ) -> Page[KeyView]:
        """The caller's own keys, oldest first; never a hash."""
        user, _ = signed_in(request)
        rows = await keys.page(user.id, decode_uuid_cursor(cursor), limit + 1)
        return page_of(rows, limit, lambda row: row.id, _view)

    @delete("/{key_id:uuid}", guards=[authorize("delete", "Key", own=True)])
    async def drop(self, request: Request, keys: Keys, key_id: FromPath[UUID]) -> None:
        """Drop one of the caller's secondary keys. The primary key stays: 409."""
        user, _ = signed_in(request)
        if not await keys.delete(key_id, user.id):
            raise missing(request, "delete", "Key")

    @put(
        "/primary/secret",
        guards=[authorize("update", "Key", own=True), step_up],
        status_code=204,
        opt={SETS_COOKIE: True},
        response_headers=[SET_COOKIE],
    )
    async def set_secret(self, request: Request, data: JSONBody[NewSecret], services: SigningIn) -> Response[None]:
        """Set or change the secret. All other sessions and all outstanding links end; this session gets a new token."""
        user, session = signed_in(request)
        started = await services.keys.set_secret(user, session.id, _token(request), data.secret)
        kept = services.cookie.kept(started.token, started.max_age)
        return Response(None, status_code=204, headers={"Set-Cookie": kept})


def client_of(request: Request) -> Client:
    """Where the request comes from; behind a trusted proxy, the address that the proxy tells."""
    return Client(request.client.host if request.client else None, request.headers.get("user-agent"))


async def _start(data: SignIn, services: SignInServices, caller: Caller) -> StartedSession:
    redeeming = services.redeeming
    match data:
        case PasswordSignIn():
            return await services.keys.sign_in(data.email, data.secret, caller.client, caller.token)
        case CodeSignIn():
            return await redeeming.redeem(Redemption(purpose=sign_in.NAME, email=data.email, code=data.code), caller)
        case LinkSignIn():
            return await redeeming.redeem(Redemption(token=data.token), caller, only=sign_in.NAME)


def _caller(request: Request) -> Caller:
    return Caller(client_of(request), request.auth, request.user.user.id if request.user.user else None)


async def _signed_in(started: StartedSession, services: SignInServices, status: int) -> Response[WhoAmI]:
    sessions = services.sessions
    principal = started.principal or await sessions.authenticate(started.token)
    body, etag = encode_with_etag(sessions.describe(principal, ability_for(principal)))
    headers = {
        "Set-Cookie": services.cookie.kept(started.token, started.max_age),
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
