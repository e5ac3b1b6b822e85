"""`/admin`: the way to the first section that its reader may see."""

from litestar import Response, get

from app.guards.authorize import Request, authorize_list
from app.pages.admin.console import ADMIN, SECTIONS, may
from app.pages.html.controller import PageController
from app.pages.html.destinations import see_other


class AdminStartPage(PageController):
    """The console."""

    path = ADMIN

    @get(guards=[authorize_list("read", "Language")])
    async def show_start(self, request: Request) -> Response[bytes]:
        """To the users, or for those who administer none, to their languages."""
        first = next((key for key, *asked in SECTIONS if may(request, *asked)), "languages")
        return see_other(f"{ADMIN}/{first}")
