"""Routes on the policy itself."""

from litestar import Controller, get, post
from litestar.params import JSONBody

from app.domain.module import ResourcesDependency
from app.domain.policy.schemas import CheckDecisions, Checks, Question
from app.domain.policy.service import check_own, explain_question
from app.guards.authorize import ANYONE, SIGNED_IN, Request, ability_of, authorize_some
from app.guards.policy_report import PolicyExplanation, PolicyTable, policy_table
from app.http.requests import actor_of


class PolicyController(Controller):
    """Who may do what, and why."""

    path = "/api/policy"
    tags = ("Policy",)

    @get(guards=[ANYONE], sync_to_thread=False)
    def get_policy(self) -> PolicyTable:
        """The policy: who may do what. The last line that applies decides."""
        return policy_table()

    @post("/can", guards=[SIGNED_IN], status_code=200, sync_to_thread=False)
    def check_permissions(self, request: Request, data: JSONBody[Checks]) -> CheckDecisions:
        """What the caller may do: for programs without CASL.

        The answers are those of `can` with the `rules` of `GET /api/session`. Whether a subject exists is not checked.
        """
        user_id = actor_of(request).require_user_id()
        return CheckDecisions(check_own(ability_of(request), user_id, data.checks))

    @post("/explain", guards=[authorize_some("administer", "Policy")], status_code=200)
    async def explain_policy(self, data: JSONBody[Question], resources: ResourcesDependency) -> PolicyExplanation:
        """Why a user may or may not do something: the deciding line, and for every other one why it did not decide."""
        return await explain_question(resources, data)
