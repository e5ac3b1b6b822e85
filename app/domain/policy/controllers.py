"""Routes on the policy itself."""

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, SkipValidation

from app.domain.policy.schemas import Question
from app.domain.policy.service import explain_question
from app.guards.authorize import ANYONE, Request, authorize, missing
from app.guards.policy_report import PolicyExplanation, PolicyTable, policy_table
from app.postgres.database import Database


class PolicyController(Controller):
    """Who may do what, and why."""

    path = "/api/policy"
    tags = ("Policy",)

    @get(guards=[ANYONE], sync_to_thread=False)
    def read(self) -> PolicyTable:
        """The policy: who may do what. The last line that applies decides."""
        return policy_table()

    @post("/explain", guards=[authorize("administer", "User")], status_code=200)
    async def explain(
        self, request: Request, data: JSONBody[Question], database: NamedDependency[SkipValidation[Database]]
    ) -> PolicyExplanation:
        """Why a user may or may not do something: the deciding line, and for every other one why it did not decide."""
        explanation = await explain_question(database, data)
        if explanation is None:
            raise missing(request, "administer", "User")
        return explanation
