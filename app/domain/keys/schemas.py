"""Response bodies of the key routes."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct


class KeyView(Struct, frozen=True, rename="camel"):
    """A key without anything secret. `identifier` is the address of the primary key, else null.

    `address` is the one that the key is for: with the purpose `email_change`, the new one of a change that is pending.
    """

    id: UUID
    user_id: UUID
    kind: str
    identifier: str | None
    address: str
    has_secret: bool
    purpose: str | None
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
