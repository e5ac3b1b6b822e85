"""The route on what the deployment offers."""

from litestar import Controller, Response, get
from litestar.datastructures import ResponseHeader
from litestar.openapi.datastructures import ResponseSpec

from app.domain.config.schemas import ServiceConfig
from app.domain.config.service import service_config
from app.domain.module import ResourcesDependency
from app.domain.sessions.controllers import IfNoneMatch
from app.domain.sessions.who_am_i import encode_with_etag
from app.guards.authorize import ANYONE
from app.http.parameters import SESSION_ETAG
from app.http.responses import encoded_response

# Settings change with a restart: caches may be as late as this many seconds.
MAX_AGE = 300
CACHE_CONTROL = ResponseHeader(name="Cache-Control", description="Everybody may cache it.", documentation_only=True)


class ConfigController(Controller):
    """What the deployment offers."""

    tags = ("Config",)

    @get(
        "/api/config",
        guards=[ANYONE],
        sync_to_thread=False,
        response_headers=[SESSION_ETAG, CACHE_CONTROL],
        responses={304: ResponseSpec(None, description="The client's copy is the present one.")},
    )
    def read(self, resources: ResourcesDependency, if_none_match: IfNoneMatch = None) -> Response[ServiceConfig]:
        """What this deployment offers: sign-in methods, sign-up, profile fields, lifetimes and locales.

        Open to everyone, and the same for everyone. Answers 304 if `If-None-Match` names the current ETag.
        """
        body, etag = encode_with_etag(service_config(resources.settings))
        headers = {"ETag": etag, "Cache-Control": f"public, max-age={MAX_AGE}"}
        if if_none_match is not None and etag in if_none_match:
            return Response(None, status_code=304, headers=headers)  # type: ignore[arg-type] # 304 has no body
        return encoded_response(ServiceConfig, body, headers)
