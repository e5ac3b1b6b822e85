"""The route on what the deployment offers."""

from litestar import Controller, Response, get
from litestar.datastructures import ResponseHeader

from app.domain.config.schemas import ServiceConfig
from app.domain.config.service import service_config
from app.domain.module import ResourcesDependency
from app.guards.authorize import ANYONE
from app.http.parameters import BODY_ETAG, UNCHANGED, IfNoneMatch
from app.http.preconditions import encode_with_etag, is_unchanged
from app.http.responses import encoded_response, unchanged_response

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
        response_headers=[BODY_ETAG, CACHE_CONTROL],
        responses={304: UNCHANGED},
    )
    def get_config(self, resources: ResourcesDependency, if_none_match: IfNoneMatch = None) -> Response[ServiceConfig]:
        """What this deployment offers: sign-in methods, sign-up, profile fields, lifetimes and locales.

        Open to everyone, and the same for everyone. Answers 304 if `If-None-Match` names the current ETag.
        """
        body, etag = encode_with_etag(service_config(resources))
        headers = {"ETag": etag, "Cache-Control": f"public, max-age={MAX_AGE}"}
        unchanged = is_unchanged(if_none_match, etag)
        return unchanged_response(headers) if unchanged else encoded_response(ServiceConfig, body, headers)
