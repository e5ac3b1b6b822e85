"""Routes on the caller's own keys. Requesting and redeeming keys are flows."""

from typing import Annotated
from uuid import UUID

from litestar import Controller, delete, get
from litestar.params import FromPath, QueryParameter

from app.domain.keys import service
from app.domain.keys.models import Key
from app.domain.keys.schemas import KeyView
from app.domain.module import ResourcesDependency
from app.guards.authorize import Request, authorize_own
from app.http.pagination import DEFAULT_LIMIT, Page, decode_uuid_cursor, page_of
from app.http.parameters import Cursor, Limit
from app.http.requests import actor_of
from app.postgres.rows import to_struct

OfPurpose = Annotated[
    str | None,
    QueryParameter(name="purpose", pattern=r"^[a-z_]{1,40}(?![\s\S])", description="Only those of this purpose."),
]


class KeyController(Controller):
    """The caller's own keys."""

    path = "/api/keys"
    tags = ("Keys",)

    @get(guards=[authorize_own("read", "Key")])
    async def list_keys(
        self,
        request: Request,
        resources: ResourcesDependency,
        purpose: OfPurpose = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Page[KeyView]:
        """The caller's own usable keys, oldest first; never a hash.

        Those of the purpose `email_change` are changes of the address that are pending: deleting the key cancels one.
        """
        user_id = actor_of(request).require_user_id()
        rows = await service.list_keys(resources, user_id, purpose, decode_uuid_cursor(cursor), limit + 1)
        return page_of(rows, limit, lambda row: row.id, _view)

    @delete("/{key_id:uuid}", guards=[authorize_own("delete", "Key")])
    async def delete_key(self, request: Request, resources: ResourcesDependency, key_id: FromPath[UUID]) -> None:
        """Drop one of the caller's single-use keys. One that has ended is 204 too. The primary key stays: 409."""
        await service.delete_key(actor_of(request), resources, key_id)


def _view(key: Key) -> KeyView:
    primary = key.kind == "primary"
    return to_struct(
        KeyView,
        key,
        identifier=key.identifier if primary else None,
        address=key.identifier if primary else key.address,
        has_secret=primary and key.secret_hash is not None,
    )
