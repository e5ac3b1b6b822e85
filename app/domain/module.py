"""What a domain contributes to the app: declared in its `module.py`, listed in `asgi.py` (`MODULES`)."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from msgspec import Struct

from app.domain.resources import Resources
from app.jobs.cleanup import Sweep
from app.jobs.worker import JobHandler

# How a route handler asks for the resources: `resources: ResourcesDependency`.
ResourcesDependency: TypeAlias = NamedDependency[SkipValidation[Resources]]


class Module(Struct, frozen=True):
    """One domain: its routes, and what the service does for it beside them.

    `tags` head the groups of its routes in the OpenAPI document. `sweeps` delete expired rows in the scheduled
    clean-up. `job_handlers` makes the handler for each kind of job. `audit_actions` maps each audit action of the
    domain to its meaning.
    """

    controllers: tuple[type[Controller], ...]
    tags: tuple[str, ...] = ()
    sweeps: tuple[Sweep, ...] = ()
    job_handlers: Mapping[str, Callable[[Resources], JobHandler]] = {}
    audit_actions: Mapping[str, str] = {}
