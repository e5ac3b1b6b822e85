"""The settings of the service, as one frozen value."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeAlias, get_args

from msgspec import Meta, Struct, field

from app.settings.limits import DEFAULT_WINDOWS, Window
from app.settings.urls import is_plain_loopback, origin_of, own_origins

Seconds = Annotated[int, Meta(ge=1, le=400 * 24 * 3600)]

FILE_MAIL = "file:"
COOKIE_NAME = "auth_session"
HOST_PREFIX = "__Host-"
# More connections than this wait for the event loop of the worker, not for the database.
POOL_SIZE_MAX = 16
# What has signed a token is published for as long as the token may live.
TOKEN_SECONDS_MAX = 300
TokenAlgorithm: TypeAlias = Literal["EdDSA", "ES256"]
TOKEN_ALGORITHMS: tuple[TokenAlgorithm, ...] = get_args(TokenAlgorithm)


class Settings(Struct, frozen=True, kw_only=True):
    """What an operator can set; the field `public_url` is the variable `PUBLIC_URL`.

    Lists are separated by commas. Times are whole seconds. The variables LIMIT_… are the field `limits` by the names of
    `LIMITS`. The Argon2id defaults are OWASP's (Password Storage Cheat Sheet: 19 MiB, t=2, p=1), the lengths those of
    NIST SP 800-63B-4 section 3.1.1.2, the session limits those of sections 2.1.3 (AAL1) and, for platform admins, 2.2.3
    (AAL2).
    """

    environment: Literal["development", "production"] = "development"
    database_url: str | None = None
    database_pool_size: Annotated[int, Meta(ge=0, le=500)] = 0
    database_acquire_seconds: Annotated[int, Meta(ge=1, le=60)] = 2
    database_statement_seconds: Annotated[int, Meta(ge=1, le=3600)] = 2
    principal_cache: Annotated[int, Meta(ge=0, le=10_000_000)] = 50_000
    database_pooler: Literal["none", "transaction"] = "none"
    data_dir: str = ".data"
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535)] = 8000
    workers: Annotated[int, Meta(ge=1, le=256)] = 1
    public_url: str = ""
    allowed_origins: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    valkey_url: str | None = None
    secret_key: str | None = None
    secret_key_previous: str | None = None
    mail_url: str = FILE_MAIL
    mail_from: str = ""
    run_jobs: bool = True
    cookie_name: str = COOKIE_NAME
    cookie_domain: str = ""
    cookie_host_prefix: bool = False
    hsts_include_subdomains: bool = False
    access_log: bool = True

    pages: bool = True
    app_url: tuple[str, ...] = ()
    brand_name: str = ""
    brand_logo: str = ""
    brand_accent: str = ""
    pages_css: str = ""

    requests_max: Annotated[int, Meta(ge=1, le=100_000)] = 1000
    body_timeout_seconds: Annotated[int, Meta(ge=1, le=3600)] = 10
    reader_timeout_seconds: Annotated[int, Meta(ge=1, le=3600)] = 10
    keep_alive_seconds: Annotated[int, Meta(ge=1, le=3600)] = 75
    event_streams_max: Annotated[int, Meta(ge=0, le=100_000)] = 1000
    event_heartbeat_seconds: Annotated[int, Meta(ge=1, le=3600)] = 15

    sign_in_methods: tuple[Literal["password", "code"], ...] = ("password", "code")
    sign_up: Literal["open", "invite"] = "invite"
    required_profile_fields: tuple[Literal["name", "phone"], ...] = ("name",)

    password_min_length: Annotated[int, Meta(ge=8, le=128)] = 15
    argon2_memory_kib: Annotated[int, Meta(ge=8, le=4 * 1024 * 1024)] = 19456
    argon2_iterations: Annotated[int, Meta(ge=1, le=100)] = 2
    argon2_parallelism: Annotated[int, Meta(ge=1, le=64)] = 1
    hash_concurrency: Annotated[int, Meta(ge=0, le=256)] = 0
    # With fewer, one client network could fill the queue (0036).
    hash_queue: Annotated[int, Meta(ge=2, le=10_000)] = 64

    session_idle_seconds: Seconds = 14 * 24 * 3600
    session_absolute_seconds: Seconds = 30 * 24 * 3600
    admin_session_idle_seconds: Seconds = 3600
    admin_session_absolute_seconds: Seconds = 24 * 3600
    sessions_per_user: Annotated[int, Meta(ge=1, le=10_000)] = 50
    step_up_seconds: Seconds = 15 * 60
    api_key_requests_per_minute: Annotated[int, Meta(ge=0, le=10_000_000)] = 1200
    invitation_seconds: Seconds = 7 * 24 * 3600

    token_audiences: tuple[str, ...] = ()
    token_seconds: Annotated[int, Meta(ge=1, le=TOKEN_SECONDS_MAX)] = 60
    token_algorithm: TokenAlgorithm = "EdDSA"  # noqa: S105 # no secret

    limits: Mapping[str, tuple[Window, ...]] = field(default_factory=lambda: DEFAULT_WINDOWS)

    @property
    def pool_size(self) -> int:
        """The connections of each of the two pools of a worker. `ostiary serve` fits them to the database first."""
        return self.database_pool_size or POOL_SIZE_MAX

    @property
    def hash_processes(self) -> int:
        """The hash processes of a worker: by default, all workers together have one for each core, or one each."""
        return self.hash_concurrency or max(1, len(os.sched_getaffinity(0)) // self.workers)

    @property
    def passwords(self) -> bool:
        """Whether secrets can be set and used."""
        return "password" in self.sign_in_methods

    @property
    def codes(self) -> bool:
        """Whether one-time codes and links sign in."""
        return "code" in self.sign_in_methods

    @property
    def secure_cookies(self) -> bool:
        """Whether cookies carry `Secure`: always, except on plain http to this machine itself."""
        return not is_plain_loopback(self.public_url)

    @property
    def own_origins(self) -> frozenset[str]:
        """The origins whose pages may use the cookie for unsafe methods: that of PUBLIC_URL and ALLOWED_ORIGINS.

        On the loopback interface, the service has an origin for each name of it.
        """
        return frozenset({*own_origins(self.public_url), *self.allowed_origins})

    @property
    def return_origins(self) -> frozenset[str]:
        """The origins of the pages to which people may be sent back: the own ones, and those of APP_URL."""
        return frozenset({*self.own_origins, *map(origin_of, self.app_url)})

    @property
    def data_path(self) -> Path:
        """DATA_DIR as an absolute path."""
        return Path(self.data_dir).expanduser().absolute()
