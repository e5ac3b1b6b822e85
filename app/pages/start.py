"""`/`: the account of who is signed in, or the sign-in."""

from litestar import Response, get

from app.domain.module import ResourcesDependency
from app.guards.authorize import ANYONE, Request
from app.pages.html.controller import PageController
from app.pages.html.destinations import SIGN_IN, destination, see_other


class StartPage(PageController):
    """The start."""

    @get("/", guards=[ANYONE])
    async def start(self, request: Request, resources: ResourcesDependency) -> Response[bytes]:
        """Lead on."""
        return see_other(destination(resources.settings, None) if request.user.user else SIGN_IN)
