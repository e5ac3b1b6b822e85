"""Builds the ASGI app from the settings. Importing this module reads no setting and opens no connection."""

import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext
from typing import TypeAlias

from litestar import Controller, Litestar, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.routes import HTTPRoute
from litestar.types import ASGIApp
from sqlalchemy import MetaData

from app import logs
from app.auth.middleware import AuthenticationMiddleware
from app.clock import Clock, utc_now
from app.domain.audit.module import MODULE as AUDIT
from app.domain.config.module import MODULE as CONFIG
from app.domain.flows.module import MODULE as FLOWS
from app.domain.forward_auth.module import MODULE as FORWARD_AUTH
from app.domain.jobs.module import MODULE as JOBS
from app.domain.keys.module import MODULE as KEYS
from app.domain.languages.module import MODULE as LANGUAGES
from app.domain.policy.module import MODULE as POLICY
from app.domain.resources import Resources, make_resources
from app.domain.service_accounts.authenticator import ApiKeyAuthenticator
from app.domain.service_accounts.module import MODULE as SERVICE_ACCOUNTS
from app.domain.sessions.change_events import ChangeEvents
from app.domain.sessions.module import MODULE as SESSIONS
from app.domain.sessions.service import SessionAuthenticator
from app.domain.tokens.module import MODULE as TOKENS
from app.domain.users.module import MODULE as USERS
from app.guards.authorize import ANYONE, require_guards
from app.http import openapi, operation_rules
from app.http.bodies import MAX_BODY_BYTES, StrictJSON
from app.http.health import HealthController
from app.http.outermost import outermost
from app.http.problems import problem_response
from app.http.query_parameters import note_query_parameters, refuse_unknown_parameters
from app.jobs import cleanup, queue
from app.jobs.worker import JobHandler, Worker
from app.mail import mailer
from app.pages.html.controller import page_or_problem
from app.pages.html.site import Site
from app.pages.module import PAGES
from app.postgres import counters
from app.postgres.base import Base
from app.postgres.database import Database
from app.settings.load import load
from app.settings.model import Settings

# Every domain of the service. The order is that of the groups in the OpenAPI document.
MODULES = (SESSIONS, FLOWS, KEYS, USERS, SERVICE_ACCOUNTS, LANGUAGES, POLICY, AUDIT, JOBS, CONFIG, FORWARD_AUTH, TOKENS)

CONTROLLERS = (*[controller for module in MODULES for controller in module.controllers], HealthController)
TAGS = (*[tag for module in MODULES for tag in module.tags], "Health")
SWEEPS = (*[sweep for module in MODULES for sweep in module.sweeps], counters.delete_closed, queue.delete_finished)

# Takes a function that is to be called before the server stops.
OnStop: TypeAlias = Callable[[Callable[[], None]], None]

# Every table of the service: the imports above have loaded all models. For migrations and tests.
TABLES: MetaData = Base.metadata


def make_worker(resources: Resources) -> Worker:
    """The worker of the job queue, with the handlers of all domains."""
    handlers: dict[str, JobHandler] = {
        mailer.KIND: JobHandler(resources.mail.deliver),
        cleanup.KIND: cleanup.cleanup_handler(resources.database, resources.clock, SWEEPS),
    }
    for module in MODULES:
        handlers |= {kind: make_handler(resources) for kind, make_handler in module.job_handlers.items()}
    return Worker(resources.database, resources.clock, resources.secret_key, handlers)


def build(settings: Settings, clock: Clock = utc_now, on_stop: OnStop | None = None) -> Litestar:
    """The app without its outermost layer. `settings.database_url` must be set.

    `on_stop` is called when the app starts, with the function that ends the answers without an end. The server must
    call that one when it is told to stop, if it waits for answers before it ends the lifespan. Raises `RuntimeError`
    for a route without a sound guard.
    """
    database = Database(
        settings.database_url or "",
        settings.pool_size,
        acquire_seconds=settings.database_acquire_seconds,
        statement_seconds=settings.database_statement_seconds,
        transaction_pooler=settings.database_pooler == "transaction",
    )
    resources = make_resources(settings, database, clock, keep_rows=True)
    sessions, worker = SessionAuthenticator(resources), make_worker(resources)
    keys, events = ApiKeyAuthenticator(resources), ChangeEvents(resources, sessions)

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        working = worker.working() if settings.run_jobs else nullcontext()
        if on_stop is not None:
            on_stop(events.close)
        async with database.connected(), resources.mail.open(), working:
            yield
            events.close()
            await sessions.flush()
        await resources.close()

    on_error = page_or_problem if settings.pages else problem_response
    app = Litestar(
        route_handlers=[_router((*CONTROLLERS, *PAGES) if settings.pages else CONTROLLERS)],
        dependencies={"resources": _provide(resources), "database": _provide(database)},
        middleware=[AuthenticationMiddleware(sessions, keys, resources.cookie.name, settings.own_origins)],
        before_request=refuse_unknown_parameters,
        exception_handlers={Exception: on_error, HTTPException: on_error},
        dto=StrictJSON,
        return_dto=None,
        request_max_body_size=MAX_BODY_BYTES,
        state=State(
            {
                "clock": clock,
                "settings": settings,
                "resources": resources,
                "sessions": sessions,
                "worker": worker,
                "site": Site(settings) if settings.pages else None,
                "change_events": events,
            }
        ),
        lifespan=[lifespan],
        openapi_config=openapi.config(
            resources.cookie, TAGS, Router("/api", guards=[ANYONE], include_in_schema=False, route_handlers=[])
        ),
        logging_config=None,
    )
    require_guards(app)
    note_query_parameters(app)
    # The rules before the names: they find the operations by the paths of the routes.
    operation_rules.add_rules(app)
    openapi.complete(app, StrictJSON.closed_types(app))
    return app


def create_app(on_stop: OnStop | None = None) -> ASGIApp:
    """The whole app, with settings from the environment: what each worker process of the server runs.

    `on_stop` is as in `build`.
    """
    settings = load(os.environ)
    logs.configure_logging()
    return outermost(build(settings, on_stop=on_stop), settings)


def _router(controllers: Sequence[type[Controller]]) -> Router:
    """All routes. In one router, because controllers share paths, and the app itself does not merge paths."""
    router = Router("/", route_handlers=controllers)
    for route in router.routes:
        if isinstance(route, HTTPRoute):
            # Litestar's OPTIONS handler lists only the first method of a merged path. Without it the app adds a
            # complete one.
            route.route_handlers = [handler for handler in route.route_handlers if handler.http_methods != {"OPTIONS"}]
    return router


def _provide(value: object) -> Provide:
    give: Callable[[], object] = lambda: value  # noqa: E731 # Litestar reads the annotation-free callable as it is
    return Provide(give, sync_to_thread=False)
