"""`/admin/audit`: who did what to whom, newest first."""

from uuid import UUID

from litestar import Response, get
from litestar.params import FromQuery
from msgspec import json

from app.domain.audit.repository import AuditFilters
from app.domain.audit.service import list_events
from app.domain.module import ResourcesDependency
from app.errors import Problem, invalid
from app.guards.authorize import Request, authorize_some
from app.http.pagination import DEFAULT_LIMIT, Page, decode_uuid_cursor, page_of
from app.http.parameters import Cursor
from app.pages.admin.console import ADMIN, CONSOLE, show
from app.pages.html.controller import PageController
from app.pages.html.forms import Form
from app.pages.html.refusals import Refusal
from app.text import conventional_case


class AdminAuditPage(PageController):
    """The audit events."""

    path = f"{ADMIN}/audit"
    opt = CONSOLE

    @get(guards=[authorize_some("read", "AuditEvent")])
    async def show_events(
        self,
        request: Request,
        resources: ResourcesDependency,
        action: FromQuery[str] = "",
        subject: FromQuery[str] = "",
        actor: FromQuery[str] = "",
        cursor: Cursor = None,
    ) -> Response[bytes]:
        """The events of the filters, as `GET /api/audit-events` lists them."""
        typed = {"action": action, "subject": subject, "actor": actor}
        events, refusal = Page[dict[str, object]]([]), None
        try:
            filters = AuditFilters(_text(action), _subject(subject), _actor(actor))
            rows = await list_events(resources, filters, decode_uuid_cursor(cursor), DEFAULT_LIMIT + 1)
            events = page_of(
                rows, DEFAULT_LIMIT, lambda row: row.id, lambda row: {"event": row, "detail": _shown(row.detail)}
            )
        except Problem as problem:
            refusal = Refusal(problem, Form({name: [text] for name, text in typed.items()}))
        return await show(
            request,
            resources,
            "admin_audit",
            "audit",
            refusal=refusal,
            events=events.items,
            filters=typed,
            next_cursor=events.next_cursor,
            cursor=cursor,
        )


def _text(typed: str) -> str | None:
    # PostgreSQL takes no NUL.
    return typed.strip().replace("\0", "") or None


def _subject(typed: str) -> str | None:
    """The subject as events name it: the code of a language in its conventional case."""
    kind, colon, name = (_text(typed) or "").partition(":")
    return f"{kind}{colon}{conventional_case(name)}" if kind == "language" else _text(typed)


def _actor(typed: str) -> UUID | None:
    try:
        return UUID(typed.strip()) if typed.strip() else None
    except ValueError:
        raise invalid("actor", "invalid", "A user's id is expected here") from None


def _shown(detail: dict[str, object]) -> dict[str, str]:
    """The details of an event, each as text."""
    return {name: value if isinstance(value, str) else json.encode(value).decode() for name, value in detail.items()}
