"""Reads audit events; `app/audit.py` writes them."""

from uuid import UUID

from msgspec import Struct
from sqlalchemy import select

from app.audit import AuditEvent
from app.postgres.repository import Repository


class AuditFilters(Struct, frozen=True):
    """What a list of events is limited to."""

    action: str | None = None
    subject: str | None = None
    actor_id: UUID | None = None


class AuditRepository(Repository[AuditEvent]):
    """Audit events, in one transaction."""

    model_type = AuditEvent

    async def page(self, filters: AuditFilters, before: UUID | None, limit: int) -> list[AuditEvent]:
        """The events of the filters, newest first, from before the given one."""
        statement = select(AuditEvent).order_by(AuditEvent.id.desc()).limit(limit)
        if before is not None:
            statement = statement.where(AuditEvent.id < before)
        for column, wanted in (
            (AuditEvent.action, filters.action),
            (AuditEvent.subject, filters.subject),
            (AuditEvent.actor_id, filters.actor_id),
        ):
            if wanted is not None:
                statement = statement.where(column == wanted)
        return list((await self.session.execute(statement)).scalars())
