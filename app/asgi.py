"""The composition root: settings in, ASGI app out. The only place that wires; nothing happens at import."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from typing import NamedTuple

from litestar import Litestar, Router
from litestar.config.cors import CORSConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.routes import HTTPRoute
from litestar.types import ASGIApp

from app import logs, rate_limits
from app.auth.cookies import HOST_PREFIXED_NAME, NAME, SessionCookie
from app.auth.middleware import AuthenticationMiddleware
from app.auth.passwords.hasher import SecretHasher
from app.clock import Clock, utc_now
from app.domain.audit.controllers import AuditController
from app.domain.flows.invite import InvitationService
from app.domain.flows.ports import Services as PurposeServices
from app.domain.flows.redeem_key import RedeemService
from app.domain.flows.request_key import ISSUE_KEY, AskService
from app.domain.keys import single_use_repository
from app.domain.keys.controllers import KeyController, SignInController, SignInServices
from app.domain.keys.service import KeyService, revoke_everything
from app.domain.languages.controllers import LanguageController
from app.domain.languages.members.controllers import MemberController
from app.domain.languages.members.service import MemberService
from app.domain.languages.service import LanguageService
from app.domain.languages.translations.controllers import TranslationController
from app.domain.languages.translations.service import TranslationService
from app.domain.policy.controllers import PolicyController
from app.domain.sessions import repository as sessions_repository
from app.domain.sessions.controllers import SessionController
from app.domain.sessions.service import SessionService, end_sessions
from app.domain.users.controllers import UserController
from app.domain.users.service import UserService
from app.guards.authorize import ANYONE, require_guards
from app.http import openapi
from app.http.bodies import MAX_BODY_BYTES, StrictJSON
from app.http.health import HealthController
from app.http.outermost import outermost
from app.http.problems import problem_response
from app.jobs import cleanup
from app.jobs import queue as jobs
from app.jobs.cleanup import clean_up
from app.jobs.queue import Jobs
from app.jobs.worker import Task, Worker
from app.mail.mailer import KIND as MAIL_JOB
from app.mail.mailer import Mailer
from app.mail.transports import transport_for
from app.postgres.database import Database
from app.rate_limits import RateLimits
from app.secret_key import SecretKey
from app.settings.load import load
from app.settings.model import Settings

CONTROLLERS = (
    SessionController,
    SignInController,
    KeyController,
    UserController,
    LanguageController,
    MemberController,
    TranslationController,
    PolicyController,
    AuditController,
    HealthController,
)

# What the scheduled clean-up deletes.
SWEEPS = (
    sessions_repository.delete_expired,
    single_use_repository.delete_expired,
    single_use_repository.delete_forgotten_failures,
    rate_limits.delete_closed,
    jobs.delete_finished,
)


class Services(NamedTuple):
    """Everything that does something, wired; the CLI uses the same."""

    database: Database
    secret_key: SecretKey
    jobs: Jobs
    mail: Mailer
    worker: Worker
    hasher: SecretHasher
    sessions: SessionService
    keys: KeyService
    asking: AskService
    redeeming: RedeemService
    invitations: InvitationService
    users: UserService
    languages: LanguageService
    members: MemberService
    translations: TranslationService


def wire(settings: Settings, database: Database, clock: Clock) -> Services:
    """Make the services of one process."""
    secret_key = SecretKey(settings)
    queue = Jobs(clock, secret_key)
    mailer = Mailer(clock, settings, queue, transport_for(settings))
    hasher = SecretHasher(settings)
    sessions = SessionService(database, clock, settings)
    invitations = InvitationService(database, clock, settings, mailer.enqueue)
    ported = PurposeServices(settings, clock, mailer.enqueue)
    rate_limits = RateLimits(database, clock)
    asking = AskService(database, ported, rate_limits, queue, secret_key)
    tasks = {
        MAIL_JOB: Task(mailer.deliver),
        ISSUE_KEY: Task(asking.run),
        cleanup.KIND: clean_up(database, clock, SWEEPS),
    }
    return Services(
        database=database,
        secret_key=secret_key,
        jobs=queue,
        mail=mailer,
        worker=Worker(database, clock, secret_key, tasks),
        hasher=hasher,
        sessions=sessions,
        keys=KeyService(database, clock, settings, hasher, sessions, mailer.enqueue),
        asking=asking,
        redeeming=RedeemService(database, ported, rate_limits, hasher, sessions, secret_key),
        invitations=invitations,
        users=UserService(
            database, clock, revoke_everything, end_sessions, invitations.invite, settings.required_profile_fields
        ),
        languages=LanguageService(database, clock),
        members=MemberService(database, clock, invitations.invite, invitations.withdraw, mailer.enqueue),
        translations=TranslationService(database, clock),
    )


def build(settings: Settings, clock: Clock = utc_now) -> Litestar:
    """The app without its outermost layer. `settings.database_url` must be set. Raises `RuntimeError` for a route
    without a sound guard."""
    services = wire(settings, Database(settings.database_url or "", settings.database_pool_size), clock)
    cookie = SessionCookie(
        name=HOST_PREFIXED_NAME if settings.cookie_host_prefix else NAME, secure=settings.secure_cookies
    )

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        working = services.worker.working() if settings.run_jobs else nullcontext()
        async with services.database.connected(), services.mail.open(), working:
            yield
            await services.sessions.settle()
        await services.hasher.close()

    app = Litestar(
        route_handlers=[_router()],
        dependencies={
            "cookie": _provide(cookie),
            "database": _provide(services.database),
            "sessions": _provide(services.sessions),
            "keys": _provide(services.keys),
            "asking": _provide(services.asking),
            "redeeming": _provide(services.redeeming),
            "services": _provide(SignInServices(services.keys, services.redeeming, services.sessions, cookie)),
            "users": _provide(services.users),
            "languages": _provide(services.languages),
            "members": _provide(services.members),
            "translations": _provide(services.translations),
        },
        middleware=[AuthenticationMiddleware(services.sessions, cookie, settings.own_origins)],
        exception_handlers={Exception: problem_response, HTTPException: problem_response},
        dto=StrictJSON,
        return_dto=None,
        request_max_body_size=MAX_BODY_BYTES,
        state=State({"clock": clock, "settings": settings, "services": services}),
        lifespan=[lifespan],
        cors_config=_cors(settings),
        openapi_config=openapi.config(
            cookie, Router("/api", guards=[ANYONE], include_in_schema=False, route_handlers=[])
        ),
        logging_config=None,
    )
    require_guards(app)
    openapi.complete(app, StrictJSON.closed_types(app))
    return app


def create_app() -> ASGIApp:
    """The whole app, from the environment: what each worker of the server runs."""
    settings = load(os.environ)
    logs.configure_logging()
    return outermost(build(settings), settings)


def _router() -> Router:
    """All routes. One router, because sessions and keys share a path, and the app itself does not merge paths."""
    router = Router("/", route_handlers=CONTROLLERS)
    for route in router.routes:
        if isinstance(route, HTTPRoute):
            # Made with the path's first method, and knows no other: without it the app makes one that knows all.
            route.route_handlers = [handler for handler in route.route_handlers if handler.http_methods != {"OPTIONS"}]
    return router


def _provide(value: object) -> Provide:
    give: Callable[[], object] = lambda: value  # noqa: E731 # Litestar reads the annotation-free callable as it is
    return Provide(give, sync_to_thread=False)


def _cors(settings: Settings) -> CORSConfig | None:
    if not settings.allowed_origins:
        return None
    return CORSConfig(
        allow_origins=list(settings.allowed_origins),
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=["Content-Type", "If-Match", "If-None-Match"],
        expose_headers=["ETag", "Location", "Retry-After", "X-Request-Id"],
        allow_credentials=True,
        max_age=600,
    )
