"""`/denied`: where an application sends a person who may not do something, with the question that was refused."""

from litestar import Response, get
from litestar.params import FromQuery

from app.domain.policy.schemas import Check
from app.domain.policy.service import check_own
from app.errors import Problem
from app.guards.authorize import SIGNED_IN, Request, ability_of
from app.http.requests import user_and_session
from app.pages.html.controller import PageController
from app.pages.html.forms import Form
from app.pages.html.rendering import render


class DeniedPage(PageController):
    """What was refused, and why."""

    @get("/denied", guards=[SIGNED_IN])
    async def show_denied(
        self,
        request: Request,
        action: FromQuery[str] = "",
        subject_type: FromQuery[str] = "",
        subject_id: FromQuery[str] = "",
        field: FromQuery[str] = "",
    ) -> Response[bytes]:
        """The page, with the reason that the policy has for its answer to this question, if it has one.

        Nothing of the address is shown: anybody can make one.
        """
        return render(request, "denied", status=403, reason=_reason(request, action, subject_type, subject_id, field))


def _reason(request: Request, action: str, subject_type: str, subject_id: str, field: str) -> str:
    asked = Form({"action": [action], "subjectType": [subject_type], "id": [subject_id], "field": [field]})
    user, _ = user_and_session(request)
    try:
        (decision,) = check_own(ability_of(request), user.id, [asked.decode(Check)])
    except Problem:
        return ""
    return decision.reason or ""
