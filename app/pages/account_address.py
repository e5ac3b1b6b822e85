"""`/account/address`: another address for the account, which a code to it confirms."""

from litestar import Response, get, post
from msgspec import structs

from app.domain.flows.schemas import RequestKeyInput
from app.domain.module import ResourcesDependency
from app.errors import Problem
from app.guards.authorize import Request, authorize_own, step_up
from app.pages.html.code_requests import ask_for_code
from app.pages.html.confirmation import ASKS_TO_CONFIRM, ask_to_confirm, is_confirmed
from app.pages.html.controller import PageController
from app.pages.html.destinations import ACCOUNT, own_origin
from app.pages.html.forms import Form, read_form
from app.pages.html.refusals import Refusal
from app.pages.html.rendering import render
from app.pages.html.state import read_state

ADDRESS = f"{ACCOUNT}/address"


class AccountAddressPage(PageController):
    """Changing the address."""

    path = ADDRESS
    opt = ASKS_TO_CONFIRM

    @get(guards=[authorize_own("update", "Key")])
    async def show_address(self, request: Request, resources: ResourcesDependency) -> Response[bytes]:
        """The form, once the reader has proved who they are."""
        if not await is_confirmed(request):
            return ask_to_confirm(request, resources, ADDRESS)
        return render(request, "account_address")

    @post(guards=[authorize_own("update", "Key"), step_up])
    async def request_change(self, request: Request, resources: ResourcesDependency) -> Response[bytes]:
        """Ask for a code to the new address, as `POST /api/keys` with the purpose `email_change` does."""
        form = Form()
        account = own_origin(request, resources.settings) + ACCOUNT
        state = structs.replace(read_state(request, resources), return_to=account)
        try:
            form = await read_form(request)
            sent = form.decode(RequestKeyInput, only=("email",), purpose="email_change")
            return await ask_for_code(request, resources, state, sent)
        except Problem as problem:
            return render(request, "account_address", refusal=Refusal(problem, form, about="email"))
