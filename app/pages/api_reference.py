"""`/docs`: the API, to read and to try out, with Swagger UI from its package: nothing is loaded from elsewhere."""

from litestar import Response, get

from app.guards.authorize import ANYONE, Request
from app.pages.html.controller import PageController
from app.pages.html.rendering import render
from app.pages.html.site import site_of

POLICY = "Content-Security-Policy"


class ApiReferencePage(PageController):
    """The reference of the API."""

    @get("/docs", guards=[ANYONE])
    async def show_api_reference(self, request: Request) -> Response[bytes]:
        """The reference, as it is described at /api/openapi.json."""
        policy = site_of(request).headers[POLICY]
        return render(request, "api_reference", headers={POLICY: policy_of_reference(policy)})


def policy_of_reference(policy: str) -> str:
    """The policy of pages, weakened by what Swagger UI needs: styles in attributes, and HTML from strings.

    Scripts still come from this service alone, and none is inline.
    """
    parts = [part for part in policy.split("; ") if not part.startswith(("require-trusted-types-for", "style-src"))]
    return "; ".join([*parts, "style-src 'self' 'unsafe-inline'"])
