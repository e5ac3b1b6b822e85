"""Routes on service accounts and their API keys. Suspending and deleting an account is as with every user."""

from uuid import UUID

from litestar import Controller, Response, delete, get, post
from litestar.params import FromPath, JSONBody

from app.domain.module import ResourcesDependency
from app.domain.service_accounts import service
from app.domain.service_accounts.schemas import (
    ApiKeyView,
    NewApiKey,
    NewApiKeyView,
    NewServiceAccount,
    ServiceAccountView,
)
from app.guards.authorize import Request, authorize, authorize_some, step_up
from app.http.pagination import DEFAULT_LIMIT, Page, decode_uuid_cursor, page_of
from app.http.parameters import Cursor, Limit
from app.http.requests import actor_of

MAY_READ = authorize("read", "ServiceAccount", id_from="account_id")
MAY_ADMINISTER = authorize("administer", "ServiceAccount", id_from="account_id")


class ServiceAccountController(Controller):
    """Service accounts, for platform admins; each reads its own."""

    path = "/api/service-accounts"
    tags = ("Service accounts",)

    @post(guards=[authorize_some("create", "ServiceAccount"), step_up])
    async def create_service_account(
        self, request: Request, data: JSONBody[NewServiceAccount], resources: ResourcesDependency
    ) -> Response[ServiceAccountView]:
        """Create a service account: a user for a program, which signs in nowhere.

        Give it an API key here, and languages with `PUT /api/languages/{languageCode}/members/{userId}`. Suspend or
        delete it as a user.
        """
        account = await service.create_service_account(actor_of(request), resources, data.name)
        headers = {"Location": f"/api/service-accounts/{account.id}"}
        return Response(account, status_code=201, headers=headers)

    @get(guards=[authorize_some("administer", "ServiceAccount")])
    async def list_service_accounts(
        self, resources: ResourcesDependency, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
    ) -> Page[ServiceAccountView]:
        """All service accounts, by id."""
        rows = await service.list_service_accounts(resources, decode_uuid_cursor(cursor), limit + 1)
        return page_of(rows, limit, lambda row: row.id, lambda row: row)

    @get("/{account_id:uuid}", guards=[MAY_READ])
    async def get_service_account(
        self, resources: ResourcesDependency, account_id: FromPath[UUID]
    ) -> ServiceAccountView:
        """One service account."""
        return await service.read_service_account(resources, account_id)

    @post("/{account_id:uuid}/keys", guards=[MAY_ADMINISTER, step_up])
    async def create_api_key(
        self, request: Request, data: JSONBody[NewApiKey], resources: ResourcesDependency, account_id: FromPath[UUID]
    ) -> Response[NewApiKeyView]:
        """Make an API key. Its `token` is shown this once: the service stores a hash.

        The program sends it as `Authorization: Bearer ost_key_…`. A key is no session: it makes no keys, sessions or
        tokens, proves nobody's identity, and does nothing that needs a recent proof.
        """
        made = await service.create_api_key(actor_of(request), resources, account_id, data)
        headers = {"Location": f"/api/service-accounts/{account_id}/keys"}
        return Response(made, status_code=201, headers=headers)

    @get("/{account_id:uuid}/keys", guards=[MAY_READ])
    async def list_api_keys(
        self,
        resources: ResourcesDependency,
        account_id: FromPath[UUID],
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Page[ApiKeyView]:
        """The API keys of a service account, oldest first, expired ones too."""
        rows = await service.list_api_keys(resources, account_id, decode_uuid_cursor(cursor), limit + 1)
        return page_of(rows, limit, lambda row: row.id, lambda row: row)

    @delete("/{account_id:uuid}/keys/{key_id:uuid}", guards=[MAY_ADMINISTER, step_up])
    async def revoke_api_key(
        self, request: Request, resources: ResourcesDependency, account_id: FromPath[UUID], key_id: FromPath[UUID]
    ) -> None:
        """Revoke an API key, which is deleted."""
        await service.revoke_api_key(actor_of(request), resources, account_id, key_id)
