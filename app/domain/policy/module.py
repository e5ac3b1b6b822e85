"""The routes of the policy."""

from app.domain.module import Module
from app.domain.policy.controllers import PolicyController

MODULE = Module(controllers=(PolicyController,), tags=("Policy",))
