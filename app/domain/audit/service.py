"""Reading audit events."""

from uuid import UUID

from app.audit import AuditEvent
from app.domain.audit.repository import AuditFilters, AuditRepository
from app.domain.resources import Resources


async def list_events(resources: Resources, filters: AuditFilters, before: UUID | None, limit: int) -> list[AuditEvent]:
    """The events of the filters, newest first, from before the given one."""
    async with resources.database.transaction() as transaction:
        return await AuditRepository(transaction).page(filters, before, limit)
