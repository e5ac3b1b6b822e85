"""Response bodies of the key routes."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct


class KeyView(Struct, frozen=True, rename="camel"):
    """A key without anything secret. `identifier` is the address of the primary key, else null."""

    id: UUID
    user_id: UUID
    kind: str
    identifier: str | None
    has_secret: bool
    purpose: str | None
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
