"""The route on audit events."""

from typing import Annotated
from uuid import UUID

from litestar import Controller, get
from litestar.params import QueryParameter

from app.domain.audit.repository import AuditFilters
from app.domain.audit.schemas import AuditEventView
from app.domain.audit.service import list_events
from app.domain.module import ResourcesDependency
from app.guards.authorize import authorize_some
from app.http.pagination import DEFAULT_LIMIT, Page, decode_uuid_cursor, page_of
from app.http.parameters import Cursor, Limit
from app.postgres.rows import to_struct
from app.text import conventional_case

AuditAction = Annotated[
    str | None, QueryParameter(pattern=r"^[a-z_]+\.[a-z_]+(?![\s\S])", description="Such as `key.use`.")
]
About = Annotated[
    str | None,
    QueryParameter(
        name="subject",
        pattern=r"^[a-z]+:[A-Za-z0-9-]{1,100}(?![\s\S])",
        description="The subject: `user:` and an id, `language:` and a code, or `key:` and an id.",
    ),
]
ActorId = Annotated[UUID | None, QueryParameter(name="actorId", description="The user who acted.")]


class AuditController(Controller):
    """Audit events."""

    path = "/api/audit-events"
    tags = ("Audit",)

    @get(guards=[authorize_some("read", "AuditEvent")])
    async def index(
        self,
        resources: ResourcesDependency,
        action: AuditAction = None,
        about: About = None,
        actor_id: ActorId = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Page[AuditEventView]:
        """Who did what to whom, newest first. Events are never changed and never deleted."""
        filters = AuditFilters(action, _subject(about), actor_id)
        rows = await list_events(resources, filters, decode_uuid_cursor(cursor), limit + 1)
        return page_of(rows, limit, lambda row: row.id, lambda row: to_struct(AuditEventView, row))


def _subject(about: str | None) -> str | None:
    """The subject as events name it: the code of a language in its conventional case."""
    kind, colon, name = (about or "").partition(":")
    return f"{kind}{colon}{conventional_case(name)}" if kind == "language" else about
