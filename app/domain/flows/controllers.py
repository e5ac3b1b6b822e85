"""Routes that run flows: requesting and redeeming keys, setting the password, administering accounts."""

from litestar import Controller, Response, delete, post, put
from litestar.params import JSONBody
from msgspec import structs

from app.auth.cookies import neighbour
from app.auth.flows import cookie_name
from app.auth.middleware import SETS_COOKIE
from app.domain.flows import administer_users
from app.domain.flows.mail_budget import RESEND_AFTER
from app.domain.flows.purpose_registry import PURPOSES
from app.domain.flows.redeem_key import inspect_key, redeem_key
from app.domain.flows.request_key import request_key
from app.domain.flows.schemas import (
    InspectedKey,
    InspectKeyInput,
    KeyRequested,
    NewSecret,
    NewUser,
    PlatformRoleChange,
    RedeemKeyInput,
    RequestKeyInput,
    Suspension,
)
from app.domain.flows.set_password import set_password
from app.domain.module import ResourcesDependency
from app.domain.sessions.answers import cookies_of, describe_session
from app.domain.sessions.schemas import SignedIn
from app.domain.users.account_view import account_view
from app.domain.users.schemas import AccountView
from app.guards.authorize import (
    ANYONE,
    FURTHER,
    Further,
    Request,
    ability_of,
    authorize,
    authorize_own,
    authorize_some,
    step_up,
)
from app.http.parameters import BODY_ETAG, SET_COOKIE, SET_FLOW_COOKIE, UserId
from app.http.requests import accepted_locale_of, actor_of, user_and_session, user_id_in_path
from app.http.responses import encoded_response, set_cookies

PURPOSES_FOR_USERS = frozenset(purpose.name for purpose in PURPOSES.values() if purpose.for_users)
FOR_USERS = Further("body", "purpose", (authorize_own("update", "Key"), step_up), tuple(sorted(PURPOSES_FOR_USERS)))
MAY_ADMINISTER = authorize("administer", "User", id_from="user_id")
MAY_SET_ROLE = authorize("administer", "User", id_from="user_id", field="platformRole")
MAY_SET_STATUS = authorize("administer", "User", id_from="user_id", field="status")


class KeyFlowController(Controller):
    """Single-use keys for everybody, and one's own password."""

    path = "/api/keys"
    tags = ("Keys",)

    @post(
        guards=[ANYONE],
        status_code=202,
        opt={SETS_COOKIE: True, FURTHER: (FOR_USERS,)},
        response_headers=[SET_FLOW_COOKIE],
    )
    async def request_key(
        self, request: Request, data: JSONBody[RequestKeyInput], resources: ResourcesDependency
    ) -> Response[KeyRequested]:
        """Ask for a code or link by mail. An unknown purpose is refused with the list of those that clients can use.

        202 for every address, known or not, in the same words and time. The mailed code works only together with the
        `flow` of the answer, which is set as the cookie `auth_flow_` and the purpose too; a link works without it.
        Asking again with the flow, in the body or as the cookie, mails a new code in place of the one before, with the
        attempts that are left of it. Where an address has got many mails, the mail has a link alone, or there is none
        while the link of an earlier mail is usable.

        `email_change` needs a signed-in user who has authenticated a short while ago. 429 with Retry-After if a client
        asks too often.

        `returnTo` is refused unless it is a page of PUBLIC_URL, or of an origin in APP_URL or ALLOWED_ORIGINS. The
        answers of inspecting and redeeming the key have it; the link itself does not.
        """
        if data.purpose in PURPOSES_FOR_USERS:
            await FOR_USERS.require(request)
        sent = structs.replace(data, locale=data.locale or accepted_locale_of(request))
        accepted = await request_key(actor_of(request), resources, sent)
        cookie = neighbour(resources.cookie, cookie_name(data.purpose)).set_cookie(accepted.flow, accepted.expires_in)
        resend_after = int(RESEND_AFTER.total_seconds())
        return Response(
            KeyRequested(accepted.flow, resend_after, accepted.expires_in),
            status_code=202,
            headers={"Set-Cookie": cookie},
        )

    @post("/inspect", guards=[ANYONE], status_code=200)
    async def inspect_key(self, data: JSONBody[InspectKeyInput], resources: ResourcesDependency) -> InspectedKey:
        """What a link is for, for which address, and what redeeming it needs and takes. Nothing is consumed."""
        return await inspect_key(resources, data.token)

    @post("/redeem", guards=[ANYONE], opt={SETS_COOKIE: True}, response_headers=[SET_COOKIE, BODY_ETAG])
    async def redeem_key(
        self, request: Request, data: JSONBody[RedeemKeyInput], resources: ResourcesDependency
    ) -> Response[SignedIn]:
        """Use a one-time link or code: do what it is for, and sign in. 201 with the cookies of `POST /api/session`.

        A code needs the flow of the request that asked for it, in the body or as the cookie of its purpose.

        A key works once. An expired, used, foreign or unknown key gets the same 410. A refused value (422) leaves the
        key usable, and a right code its attempts; a secret that nobody may have is refused before the code is compared.
        409 for an invitation while another user is signed in, unless `switch` is true.
        """
        started = await redeem_key(actor_of(request), resources, data)
        described = await describe_session(actor_of(request), resources, started)
        return encoded_response(SignedIn, described.body, described.headers, 201, described.cookies)

    @put(
        "/primary/secret",
        guards=[authorize_own("update", "Key"), step_up],
        status_code=204,
        opt={SETS_COOKIE: True},
        response_headers=[SET_COOKIE],
    )
    async def set_secret(
        self, request: Request, data: JSONBody[NewSecret], resources: ResourcesDependency
    ) -> Response[None]:
        """Set or change the secret.

        All other sessions and all outstanding links end, and no other device is known any more; this session gets a new
        token.
        """
        user, _ = user_and_session(request)
        started = await set_password(actor_of(request), resources, user, data.secret)
        cookies = cookies_of(actor_of(request), resources, started, user)
        return Response(None, status_code=204, cookies=set_cookies(cookies))


class UserAdministrationController(Controller):
    """Accounts, as platform admins administer them."""

    path = "/api/users"
    tags = ("Users",)

    @post(guards=[authorize_some("create", "User")])
    async def create_user(
        self, request: Request, data: JSONBody[NewUser], resources: ResourcesDependency
    ) -> Response[AccountView]:
        """Create a user without a secret, and mail them an invitation."""
        user = await administer_users.create_user(actor_of(request), resources, data.email, data.name, data.locale)
        headers = {"Location": f"/api/users/{user.id}"}
        return Response(account_view(ability_of(request), user), status_code=201, headers=headers)

    @delete(
        "/{user_id:str}",
        guards=[authorize("delete", "User", id_from="user_id"), step_up],
        opt={SETS_COOKIE: "user_id"},
        response_headers=[SET_COOKIE],
    )
    async def delete_user(self, request: Request, resources: ResourcesDependency, user_id: UserId) -> Response[None]:
        """Delete an account: one's own, or as a platform admin that of another user.

        All sessions, keys and memberships of the user end. Texts that the user wrote stay, without an author. The last
        platform admin stays: 409. Deleting one's own account clears the session cookie and is confirmed by mail.
        """
        actor, named = actor_of(request), user_id_in_path(request, user_id)
        await administer_users.delete_user(actor, resources, named)
        cookie = resources.cookie
        cleared = [*cookie.clear_elsewhere(), cookie.clear_cookie()] if actor.user_id == named else []
        return Response(None, status_code=204, cookies=set_cookies(cleared))

    @post("/{user_id:str}/invitation", guards=[MAY_ADMINISTER], status_code=204)
    async def resend_user_invitation(self, request: Request, resources: ResourcesDependency, user_id: UserId) -> None:
        """Mail a new invitation to a user who has not accepted yet; the link before it is void.

        To revoke an invitation, delete the user.
        """
        await administer_users.invite_user_again(actor_of(request), resources, user_id_in_path(request, user_id))

    @put("/{user_id:str}/platform-role", guards=[MAY_SET_ROLE, step_up], status_code=204)
    async def set_platform_role(
        self, request: Request, data: JSONBody[PlatformRoleChange], resources: ResourcesDependency, user_id: UserId
    ) -> None:
        """Set or remove the platform role. A user who gains it signs in anew. The last platform admin keeps it: 409."""
        named = user_id_in_path(request, user_id)
        await administer_users.set_platform_role(actor_of(request), resources, named, data.role)

    @post("/{user_id:str}/suspension", guards=[MAY_SET_STATUS, step_up], status_code=204)
    async def suspend_user(
        self, request: Request, data: JSONBody[Suspension], resources: ResourcesDependency, user_id: UserId
    ) -> None:
        """Suspend: all sessions and outstanding links of the user end at once."""
        named = user_id_in_path(request, user_id)
        await administer_users.suspend_user(actor_of(request), resources, named, data.reason)

    @delete("/{user_id:str}/suspension", guards=[MAY_SET_STATUS, step_up])
    async def restore_user(self, request: Request, resources: ResourcesDependency, user_id: UserId) -> None:
        """Undo a suspension."""
        await administer_users.restore_user(actor_of(request), resources, user_id_in_path(request, user_id))

    @delete("/{user_id:str}/sessions", guards=[MAY_ADMINISTER, step_up])
    async def end_user_sessions(self, request: Request, resources: ResourcesDependency, user_id: UserId) -> None:
        """End all sessions of a user."""
        await administer_users.end_sessions(actor_of(request), resources, user_id_in_path(request, user_id))
