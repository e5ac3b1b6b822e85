"""Routes of signing in and reauthenticating, whatever the method."""

from litestar import Controller, Response, post
from litestar.params import JSONBody

from app.auth.middleware import SETS_COOKIE
from app.domain.flows.reauthenticate import reauthenticate
from app.domain.flows.sign_in_registry import BY_CREDENTIALS, ReauthenticationInput, SignInInput
from app.domain.module import ResourcesDependency
from app.domain.sessions.answers import describe_session
from app.domain.sessions.schemas import SignedIn
from app.guards.authorize import ANYONE, SIGNED_IN, Request
from app.http.parameters import BODY_ETAG, SET_COOKIE
from app.http.requests import actor_of, user_and_session
from app.http.responses import encoded_response


class SignInController(Controller):
    """Signing in and reauthenticating."""

    tags = ("Sessions",)

    @post("/api/session", guards=[ANYONE], opt={SETS_COOKIE: True}, response_headers=[SET_COOKIE, BODY_ETAG])
    async def sign_in(
        self, request: Request, data: JSONBody[SignInInput], resources: ResourcesDependency
    ) -> Response[SignedIn]:
        """Sign in with email and secret, or with a code or link of the purpose `sign_in`.

        201, the cookies `auth_session` and `auth_device`, and the body and ETag of `GET /api/session`, with the
        `returnTo` of the request for the code or link. Sessions that the client already had end.
        Unknown address, wrong secret, no secret and suspended user get the same 401 after the same time (OWASP ASVS
        5.0, 6.3.8).
        """
        method = BY_CREDENTIALS[type(data)]
        started = await method.sign_in(actor_of(request), resources, data)
        described = await describe_session(actor_of(request), resources, started)
        return encoded_response(SignedIn, described.body, described.headers, 201, described.cookies)

    @post(
        "/api/session/reauthentication",
        guards=[SIGNED_IN],
        status_code=200,
        opt={SETS_COOKIE: True},
        response_headers=[SET_COOKIE, BODY_ETAG],
    )
    async def reauthenticate(
        self, request: Request, data: JSONBody[ReauthenticationInput], resources: ResourcesDependency
    ) -> Response[SignedIn]:
        """Prove again who you are, before a sensitive action. The session gets a new token (OWASP ASVS 5.0, 7.2.4)."""
        user, _ = user_and_session(request)
        started = await reauthenticate(actor_of(request), resources, user, data)
        described = await describe_session(actor_of(request), resources, started)
        return encoded_response(SignedIn, described.body, described.headers, cookies=described.cookies)
