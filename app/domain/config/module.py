"""The route of what the deployment offers."""

from app.domain.config.controllers import ConfigController
from app.domain.module import Module

MODULE = Module(controllers=(ConfigController,), tags=("Config",))
