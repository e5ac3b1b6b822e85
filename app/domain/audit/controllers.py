"""The route on audit events."""

from typing import Annotated
from uuid import UUID

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter, SkipValidation

from app import audit
from app.audit import AuditEvent, Filters
from app.domain.users.schemas import AuditEventView
from app.guards.authorize import authorize
from app.http.pagination import DEFAULT_LIMIT, Cursor, Limit, Page, decode_uuid_cursor, page_of
from app.postgres.database import Database

Action = Annotated[str | None, QueryParameter(pattern=r"^[a-z_]+\.[a-z_]+(?![\s\S])", description="Such as `key.use`.")]
About = Annotated[
    str | None,
    QueryParameter(
        name="subject",
        pattern=r"^[a-z]+:[A-Za-z0-9-]{1,100}(?![\s\S])",
        description="What was done something to, as events name it: `user:` and an id, or `language:` and a code.",
    ),
]
ActorId = Annotated[UUID | None, QueryParameter(name="actorId", description="Who did it.")]


class AuditController(Controller):
    """What was done, by whom."""

    path = "/api/audit-events"
    tags = ("Audit",)

    @get(guards=[authorize("administer", "User")])
    async def index(
        self,
        database: NamedDependency[SkipValidation[Database]],
        action: Action = None,
        about: About = None,
        actor_id: ActorId = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Page[AuditEventView]:
        """Who did what to whom, newest first. Events are never changed and never deleted."""
        rows = await audit.page(database, Filters(action, about, actor_id), decode_uuid_cursor(cursor), limit + 1)
        return page_of(rows, limit, lambda row: row.id, _view)


def _view(row: AuditEvent) -> AuditEventView:
    return AuditEventView(
        id=row.id,
        at=row.at,
        action=row.action,
        subject=row.subject,
        actor_id=row.actor_id,
        session_id=row.session_id,
        ip=row.ip,
        detail=row.detail,
    )
