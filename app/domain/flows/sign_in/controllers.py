"""Routes of signing in and reauthenticating, whatever the method."""

from typing import cast

from litestar import Controller, Response, post
from litestar.params import JSONBody

from app.auth.middleware import SETS_COOKIE
from app.auth.tokens import token_hash
from app.domain.flows.reauthenticate import reauthenticate
from app.domain.flows.sign_in_registry import BY_CREDENTIALS, ReauthenticationInput, SignInInput
from app.domain.module import FromApp
from app.domain.resources import Resources
from app.domain.sessions.repository import read_principal
from app.domain.sessions.schemas import WhoAmI
from app.domain.sessions.service import StartedSession
from app.domain.sessions.who_am_i import encode_with_etag, who_am_i
from app.guards.authorize import ANYONE, SIGNED_IN, Request
from app.guards.policy import ability_for
from app.http.parameters import SESSION_ETAG, SET_COOKIE
from app.http.requests import actor_of, signed_in


class SignInController(Controller):
    """Signing in, and proving it again."""

    tags = ("Sessions",)

    @post("/api/session", guards=[ANYONE], opt={SETS_COOKIE: True}, response_headers=[SET_COOKIE, SESSION_ETAG])
    async def sign_in(self, request: Request, data: JSONBody[SignInInput], resources: FromApp) -> Response[WhoAmI]:
        """Sign in with email and secret, or with a code or link of the purpose `sign_in`.

        201, the `auth_session` cookie, and the body of `GET /api/session`. A session that the client already had ends.
        Unknown address, wrong secret, no secret and suspended user get the same 401 after the same time (OWASP ASVS
        5.0, 6.3.8).
        """
        method = BY_CREDENTIALS[type(data)]
        started = await method.sign_in(actor_of(request), resources, data)
        return await signed_in_response(resources, started, 201)

    @post(
        "/api/session/reauthentication",
        guards=[SIGNED_IN],
        status_code=200,
        opt={SETS_COOKIE: True},
        response_headers=[SET_COOKIE, SESSION_ETAG],
    )
    async def reauthenticate(
        self, request: Request, data: JSONBody[ReauthenticationInput], resources: FromApp
    ) -> Response[WhoAmI]:
        """Prove again who you are, before a sensitive action. The session gets a new token (OWASP ASVS 5.0, 7.2.4)."""
        user, _ = signed_in(request)
        started = await reauthenticate(actor_of(request), resources, user, data)
        return await signed_in_response(resources, started, 200)


async def signed_in_response(resources: Resources, started: StartedSession, status: int) -> Response[WhoAmI]:
    """The answer with a new session token: the cookie, and the body of `GET /api/session`."""
    principal = started.principal or await read_principal(
        resources.database, token_hash(started.token), resources.clock()
    )
    required_fields = resources.settings.required_profile_fields
    body, etag = encode_with_etag(who_am_i(principal, ability_for(principal), required_fields))
    headers = {
        "Set-Cookie": resources.cookie.set_cookie(started.token, started.max_age),
        "Location": "/api/session",
        "ETag": etag,
    }
    # The body is encoded already: the ETag is made from it.
    return cast("Response[WhoAmI]", Response(body, status_code=status, headers=headers, media_type="application/json"))
