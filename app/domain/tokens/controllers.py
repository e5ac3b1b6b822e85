"""Routes on tokens for other back ends."""

from litestar import Controller, Response, get, post
from litestar.datastructures import ResponseHeader
from litestar.params import JSONBody

from app.domain.module import ResourcesDependency
from app.domain.tokens.schemas import IssuedToken, IssuerMetadata, JsonWebKeySet, NewToken
from app.domain.tokens.service import KEYS_MAX_AGE, issue_token, published_keys
from app.guards.authorize import ANYONE, ONBOARDED, Request
from app.http.requests import actor_of, user_and_session

KEYS_PATH = "/.well-known/jwks.json"
CACHE_CONTROL = ResponseHeader(name="Cache-Control", description="Everybody may cache it.", documentation_only=True)
PUBLIC = {"Cache-Control": f"public, max-age={KEYS_MAX_AGE}"}


class TokenController(Controller):
    """Tokens for other back ends."""

    tags = ("Tokens",)

    @post("/api/session/token", guards=[ONBOARDED], status_code=200)
    async def issue_token(
        self, request: Request, data: JSONBody[NewToken], resources: ResourcesDependency
    ) -> IssuedToken:
        """Get a short-lived token that tells one back end who calls: a JSON Web Token.

        Its claims are `iss`, `sub` (the user), `sid` (the session), `aud`, `iat`, `exp`, `jti`, `platform_role`, and
        `roles` by language, which is null for members of more than 100 languages. A token is no session: no operation
        of this service takes one, and a session that ends later does not end it before its `exp`.
        """
        user_and_session(request)  # refuses API keys
        return await issue_token(actor_of(request), resources, data.audience)

    @get(KEYS_PATH, guards=[ANYONE], response_headers=[CACHE_CONTROL])
    async def get_signing_keys(self, resources: ResourcesDependency) -> Response[JsonWebKeySet]:
        """The public keys with which back ends verify tokens."""
        keys = JsonWebKeySet(await published_keys(resources))
        # The first key signs at once, so that nobody may keep a set without it.
        return Response(keys, headers=PUBLIC if keys.keys else {})

    @get("/.well-known/openid-configuration", guards=[ANYONE], sync_to_thread=False, response_headers=[CACHE_CONTROL])
    def get_issuer(self, resources: ResourcesDependency) -> Response[IssuerMetadata]:
        """The issuer of tokens and where its keys are. It is no OpenID provider: libraries look for both here."""
        issuer = resources.settings.public_url
        return Response(IssuerMetadata(issuer, f"{issuer}{KEYS_PATH}"), headers=PUBLIC)
