"""The route of forward authentication."""

from app.domain.forward_auth.controllers import ForwardAuthController
from app.domain.module import Module

MODULE = Module(controllers=(ForwardAuthController,), tags=("Forward authentication",))
