"""`/admin/policy`: the table of who may do what, and why a person may or may not."""

from typing import get_args

from litestar import Response, get, post

from app.domain.module import ResourcesDependency
from app.domain.policy.schemas import Question
from app.domain.policy.service import explain_question
from app.errors import Problem
from app.guards.authorize import Request, authorize_some
from app.guards.policy import Action, SubjectType
from app.guards.policy_report import PolicyExplanation, policy_table
from app.pages.admin.console import ADMIN, CONSOLE, show
from app.pages.html.controller import PageController
from app.pages.html.forms import Form, read_form
from app.pages.html.refusals import Refusal


class AdminPolicyPage(PageController):
    """The policy."""

    path = f"{ADMIN}/policy"
    opt = CONSOLE

    @get(guards=[authorize_some("administer", "Policy")])
    async def show_policy(self, request: Request, resources: ResourcesDependency) -> Response[bytes]:
        """The table, as `GET /api/policy` has it, and the form for a question."""
        return await _page(request, resources, Form())

    @post(guards=[authorize_some("administer", "Policy")])
    async def explain(self, request: Request, resources: ResourcesDependency) -> Response[bytes]:
        """Answer a question, as `POST /api/policy/explain` does. The address asked about stays out of the URL."""
        form = Form()
        try:
            form = await read_form(request)
            question = form.decode(Question)
            answer = await explain_question(resources, question)
        except Problem as problem:
            return await _page(request, resources, form, refusal=Refusal(problem, form, about="email"))
        return await _page(request, resources, form, answer)


async def _page(
    request: Request,
    resources: ResourcesDependency,
    asked: Form,
    answer: PolicyExplanation | None = None,
    refusal: Refusal | None = None,
) -> Response[bytes]:
    return await show(
        request,
        resources,
        "admin_policy",
        "policy",
        refusal=refusal,
        actions=[(name, name) for name in get_args(Action)],
        subject_types=[(name, name) for name in get_args(SubjectType)],
        asked=asked,
        answer=answer,
        lines=answer.lines if answer else policy_table().lines,
    )
