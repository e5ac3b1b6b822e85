"""Response bodies of the audit event routes."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct


class AuditEventView(Struct, frozen=True, rename="camel"):
    """One thing that was done to `subject`. `actorId` is null for commands, jobs and anonymous clients.

    `keyId` is the API key that a service account has used.
    """

    id: UUID
    at: datetime
    action: str
    subject: str
    actor_id: UUID | None
    session_id: UUID | None
    key_id: UUID | None
    ip: str | None
    detail: dict[str, object]
