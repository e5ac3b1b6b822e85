"""Routes on the policy itself."""

from litestar import Controller, get, post
from litestar.params import JSONBody

from app.domain.module import ResourcesDependency
from app.domain.policy.schemas import Question
from app.domain.policy.service import explain_question
from app.guards.authorize import ANYONE, authorize_some
from app.guards.policy_report import PolicyExplanation, PolicyTable, policy_table


class PolicyController(Controller):
    """Who may do what, and why."""

    path = "/api/policy"
    tags = ("Policy",)

    @get(guards=[ANYONE], sync_to_thread=False)
    def get_policy(self) -> PolicyTable:
        """The policy: who may do what. The last line that applies decides."""
        return policy_table()

    @post("/explain", guards=[authorize_some("administer", "User")], status_code=200)
    async def explain_policy(self, data: JSONBody[Question], resources: ResourcesDependency) -> PolicyExplanation:
        """Why a user may or may not do something: the deciding line, and for every other one why it did not decide."""
        return await explain_question(resources, data)
