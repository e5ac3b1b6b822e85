"""What the routes on the policy bring to the service."""

from app.domain.module import Module
from app.domain.policy.controllers import PolicyController

MODULE = Module(controllers=(PolicyController,), tags=("Policy",))
