"""Liveness and readiness, for load balancers and supervisors."""

import msgspec
from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from msgspec import Struct

from app.guards.authorize import ANYONE
from app.http.direct_answers import DirectAnswers
from app.http.ready_answers import ready_answer
from app.postgres.database import Database

# Probes commonly wait 2 s.
READY_SECONDS = 1.8


class Health(Struct, frozen=True):
    """The answer of a healthy service. Any other answer is a problem."""

    status: str = "ok"


ALIVE = ready_answer(msgspec.json.encode(Health()))


class HealthController(Controller):
    """Open routes that tell whether the service is up."""

    path = "/health"
    tags = ("Health",)
    guards = (ANYONE,)

    @get("/live", middleware=[DirectAnswers(lambda _: ALIVE)])
    async def check_liveness(self) -> Health:
        """The process answers."""
        return Health()

    @get("/ready")
    async def check_readiness(self, database: NamedDependency[SkipValidation[Database]]) -> Health:
        """The database takes writes too; 503 if it does not, or not within 2 seconds."""
        await database.require_writable(READY_SECONDS)
        return Health()
