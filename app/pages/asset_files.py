"""The route of stylesheets, scripts and the logo. Their names have a hash, so that browsers keep them for ever."""

from litestar import Controller, Response, get
from litestar.params import FromPath

from app.errors import Problem
from app.guards.authorize import ANYONE, Request
from app.pages.html.assets import PATH, by_path
from app.pages.html.controller import PAGE
from app.pages.html.site import site_of

FOR_EVER = "public, max-age=31536000, immutable"


class AssetController(Controller):
    """The files that pages load."""

    path = PATH
    include_in_schema = False
    opt = {PAGE: True}  # noqa: RUF012 # as in Controller

    @get("/{file_name:str}", guards=[ANYONE])
    async def get_asset(self, request: Request, file_name: FromPath[str]) -> Response[bytes]:
        """A file, compressed for clients that take gzip (RFC 9110 section 12.5.3)."""
        asset = by_path(site_of(request).assets.values()).get(file_name)
        if asset is None:
            raise Problem("not_found")
        headers = {"Cache-Control": FOR_EVER, "Vary": "Accept-Encoding"}
        body = asset.body
        if _takes_gzip(request.headers.get("accept-encoding", "")):
            headers["Content-Encoding"], body = "gzip", asset.compressed
        return Response(body, media_type=asset.media_type, headers=headers)


def _takes_gzip(accept_encoding: str) -> bool:
    codings = [part.strip().lower().partition(";") for part in accept_encoding.split(",")]
    return any(name.strip() == "gzip" and weight.strip() not in ("q=0", "q=0.0") for name, _, weight in codings)
