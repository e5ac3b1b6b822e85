"""Settings come from the environment, and each mistake is one line that names its setting and repeats no secret."""

from pathlib import Path

import msgspec
import pytest

from app.settings.load import SettingsError, load
from app.settings.model import Settings
from app.settings.rules import notices

PRODUCTION = {
    "ENVIRONMENT": "production",
    "DATABASE_URL": "postgresql://ostiary:hunter2@db.example.org/ostiary",
    "PUBLIC_URL": "https://auth.example.org",
    "SECRET_KEY": "a key for tests 4Xw1kQz8vRt6Lm2Ns0Bp",
    "MAIL_URL": "smtps://mail.example.org",
    "MAIL_FROM": "Ostiary <no-reply@example.org>",
}

# The variable of every number, with the nearest values below and above its range.
LIMITS = {
    "DATABASE_POOL_SIZE": (-1, 501),
    "DATABASE_ACQUIRE_SECONDS": (0, 61),
    "DATABASE_STATEMENT_SECONDS": (0, 3601),
    "PRINCIPAL_CACHE": (-1, 10_000_001),
    "PORT": (0, 65_536),
    "WORKERS": (0, 257),
    "REQUESTS_MAX": (0, 100_001),
    "BODY_TIMEOUT_SECONDS": (0, 3601),
    "READER_TIMEOUT_SECONDS": (0, 3601),
    "KEEP_ALIVE_SECONDS": (0, 3601),
    "PASSWORD_MIN_LENGTH": (7, 129),
    "ARGON2_MEMORY_KIB": (7, 4_194_305),
    "ARGON2_ITERATIONS": (0, 101),
    "ARGON2_PARALLELISM": (0, 65),
    "HASH_CONCURRENCY": (-1, 257),
    "HASH_QUEUE": (1, 10_001),
    "SESSION_IDLE_SECONDS": (0, 34_560_001),
    "SESSION_ABSOLUTE_SECONDS": (0, 34_560_001),
    "ADMIN_SESSION_IDLE_SECONDS": (0, 34_560_001),
    "ADMIN_SESSION_ABSOLUTE_SECONDS": (0, 34_560_001),
    "SESSIONS_PER_USER": (0, 10_001),
    "STEP_UP_SECONDS": (0, 34_560_001),
    "INVITATION_SECONDS": (0, 34_560_001),
}


def mistakes(**environ: str) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        load(environ)
    return raised.value.lines


def test_an_empty_environment_gives_the_defaults() -> None:
    settings = load({})
    assert settings == Settings(public_url="http://localhost:8000", mail_from="Ostiary <no-reply@ostiary.test>")
    assert settings.data_path == Path.cwd() / ".data"


def test_an_empty_or_blank_variable_counts_as_unset() -> None:
    assert load({"PORT": "", "PUBLIC_URL": "  "}) == load({})


@pytest.mark.parametrize(
    ("variable", "value", "loaded"),
    [
        ("PORT", "9000", 9000),
        ("DATA_DIR", " state ", "state"),
        ("APP_URL", "https://a.example/x, http://b.example", ("https://a.example/x", "http://b.example")),
        ("ACCESS_LOG", "Off", False),
        ("ACCESS_LOG", "1", True),
        (
            "ALLOWED_ORIGINS",
            "https://a.example, ,http://b.example:8080",
            ("https://a.example", "http://b.example:8080"),
        ),
        ("TRUSTED_PROXIES", "10.0.0.0/8,192.0.2.1,2001:db8::/32", ("10.0.0.0/8", "192.0.2.1", "2001:db8::/32")),
        ("DATABASE_URL", "postgres://db/ostiary", "postgres://db/ostiary"),
        ("DATABASE_URL", "postgres://u:p@a:5432,[::1]:5433,c/ostiary", "postgres://u:p@a:5432,[::1]:5433,c/ostiary"),
    ],
)
def test_a_value_is_read_as_its_settings_type(variable: str, value: str, loaded: object) -> None:
    assert getattr(load({variable: value}), variable.lower()) == loaded


def test_the_table_of_limits_holds_every_number() -> None:
    numbers = {field.name.upper() for field in msgspec.structs.fields(Settings) if type(field.default) is int}
    assert LIMITS.keys() == numbers


@pytest.mark.parametrize(
    ("variable", "value"),
    [(variable, str(value)) for variable, limits in LIMITS.items() for value in limits]
    + [("PORT", value) for value in ("abc", "1.5", "0x50", "9" * 5000)],
)
def test_a_number_outside_its_limits_gets_one_line_with_the_limits(variable: str, value: str) -> None:
    [line] = mistakes(**{variable: value})
    assert line.startswith(f"{variable}: expected a whole number from ")


@pytest.mark.parametrize(
    ("environ", "line"),
    [
        ({"ENVIRONMENT": "prod"}, "ENVIRONMENT: expected development or production"),
        ({"ACCESS_LOG": "yes"}, "ACCESS_LOG: expected on or off"),
        ({"SIGN_IN_METHODS": ","}, "SIGN_IN_METHODS: name at least one of password and code"),
        (
            {"SIGN_IN_METHODS": "password", "SIGN_UP": "open"},
            "SIGN_UP: open needs code among SIGN_IN_METHODS: people sign up with a code",
        ),
        (
            {"DATABASE_POOL_SIZE": "1"},
            "DATABASE_POOL_SIZE: expected 0, which fits it to the database, or at least 2",
        ),
        ({"COOKIE_HOST_PREFIX": "2"}, "COOKIE_HOST_PREFIX: expected on or off"),
        (
            {"SESSION_IDLE_SECONDS": "61", "SESSION_ABSOLUTE_SECONDS": "60"},
            "SESSION_IDLE_SECONDS: must not be longer than SESSION_ABSOLUTE_SECONDS",
        ),
        (
            {"ADMIN_SESSION_IDLE_SECONDS": "61", "ADMIN_SESSION_ABSOLUTE_SECONDS": "60"},
            "ADMIN_SESSION_IDLE_SECONDS: must not be longer than ADMIN_SESSION_ABSOLUTE_SECONDS",
        ),
        (
            {"ARGON2_MEMORY_KIB": "15", "ARGON2_PARALLELISM": "2"},
            "ARGON2_MEMORY_KIB: must be at least 8 times ARGON2_PARALLELISM",
        ),
        (
            {"COOKIE_HOST_PREFIX": "on", "PUBLIC_URL": "http://auth.example.org"},
            "COOKIE_HOST_PREFIX: needs an https PUBLIC_URL (browsers drop a __Host- cookie without Secure)",
        ),
    ],
)
def test_a_mistake_gets_one_line_with_the_expected_value(environ: dict[str, str], line: str) -> None:
    assert mistakes(**environ) == [line]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DATABASE_URL", "mysql://ostiary:hunter2@db/ostiary"),
        ("DATABASE_URL", "postgresql:ostiary:hunter2@db/ostiary"),
        ("DATABASE_URL", "postgresql://ostiary:hunter2[@db/ostiary"),
        ("DATABASE_URL", "postgresql://ostiary:hunter2@db:port/ostiary"),
        ("DATABASE_URL", "postgresql://ostiary:hunter2@db:5432,other:port/ostiary"),
        ("PUBLIC_URL", "auth.example.org"),
        ("PUBLIC_URL", "ftp://auth.example.org"),
        ("PUBLIC_URL", "https://"),
        ("PUBLIC_URL", "https://auth.example.org/auth"),
        ("PUBLIC_URL", "https://auth.example.org?"),
        ("PUBLIC_URL", "https://auth.example.org#a"),
        ("PUBLIC_URL", "https://ostiary:hunter2@auth.example.org"),
        ("PUBLIC_URL", "https://auth.example.org:65536"),
        ("PUBLIC_URL", "https://[::1"),
        ("PUBLIC_URL", "https://[:::]"),
        ("PUBLIC_URL", "https://auth example.org"),
        ("PUBLIC_URL", "https://auth.example.org\nX-Injected: 1"),
        ("PUBLIC_URL", "https://bücher.example"),
        ("ALLOWED_ORIGINS", "*"),
        ("ALLOWED_ORIGINS", "null"),
        ("ALLOWED_ORIGINS", "https://app.example.org/"),
        ("ALLOWED_ORIGINS", "https://App.example.org"),
        ("ALLOWED_ORIGINS", "https://app.example.org:443"),
        ("ALLOWED_ORIGINS", "https://ostiary:hunter2@app.example.org"),
        ("TRUSTED_PROXIES", "*"),
        ("TRUSTED_PROXIES", "proxy.example.org"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("COOKIE_NAME", "__Host-session"),
        ("COOKIE_NAME", "__secure-session"),
        ("COOKIE_NAME", "two words"),
        ("COOKIE_NAME", "a=b"),
        ("COOKIE_NAME", "a;b"),
        ("COOKIE_NAME", "auth_device"),
        ("COOKIE_NAME", "auth_page"),
        ("COOKIE_NAME", "auth_flow"),
        ("APP_URL", "app.example.org"),
        ("APP_URL", "//app.example.org/"),
        ("APP_URL", "javascript:alert(1)"),
        ("APP_URL", "https://ostiary:hunter2@app.example.org/"),
        ("APP_URL", "https://App.example.org/"),
        ("APP_URL", "https://app.example.org\\@evil.example/"),
        ("BRAND_ACCENT", "red"),
        ("BRAND_ACCENT", "#12345"),
        ("BRAND_ACCENT", "#12345g"),
        ("BRAND_ACCENT", "#123456;}*{}"),
        ("BRAND_LOGO", "/nowhere/logo.svg"),
        ("BRAND_LOGO", "/etc/passwd"),
        ("PAGES_CSS", "/nowhere/own.css"),
        ("COOKIE_NAME", "auth_flow_sign_in"),
        ("HOST", "[::1]"),
        ("HOST", "two words"),
    ],
)
@pytest.mark.parametrize("environment", ["development", "production"])
def test_a_malformed_value_gets_a_line_that_names_the_variable_and_repeats_no_secret(
    environment: str, variable: str, value: str
) -> None:
    lines = mistakes(**{**PRODUCTION, "ENVIRONMENT": environment, variable: value})
    assert any(line.startswith(f"{variable}: ") for line in lines)
    assert not any("hunter2" in line or "\n" in line for line in lines)


def test_every_mistake_gets_a_line() -> None:
    assert [line.partition(":")[0] for line in mistakes(PORT="x", WORKERS="0", ACCESS_LOG="maybe")] == [
        "PORT",
        "WORKERS",
        "ACCESS_LOG",
    ]
    assert [line.partition(":")[0] for line in mistakes(ALLOWED_ORIGINS="https://a.example,null,*")] == [
        "ALLOWED_ORIGINS",
        "ALLOWED_ORIGINS",
    ]


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"DATABASE_URL": ""}, "DATABASE_URL: required when ENVIRONMENT=production"),
        ({"PUBLIC_URL": "http://auth.example.org"}, "PUBLIC_URL: must be https when ENVIRONMENT=production"),
        ({"PUBLIC_URL": ""}, "PUBLIC_URL: must be https when ENVIRONMENT=production"),
        ({"ARGON2_ITERATIONS": "1"}, "ARGON2_MEMORY_KIB, ARGON2_ITERATIONS: below the floor"),
        ({"ARGON2_MEMORY_KIB": "19455"}, "ARGON2_MEMORY_KIB, ARGON2_ITERATIONS: below the floor"),
        (
            {"ARGON2_ITERATIONS": "3", "ARGON2_MEMORY_KIB": "12287"},
            "ARGON2_MEMORY_KIB, ARGON2_ITERATIONS: below the floor",
        ),
    ],
)
def test_production_refuses_values_that_only_development_may_have(changed: dict[str, str], line: str) -> None:
    [told] = mistakes(**{**PRODUCTION, **changed})
    assert told.startswith(line)
    load({**PRODUCTION, **changed, "ENVIRONMENT": "development"})


@pytest.mark.parametrize(
    "stronger",
    [
        {},
        {"ARGON2_ITERATIONS": "1", "ARGON2_MEMORY_KIB": "47104"},
        {"ARGON2_ITERATIONS": "3", "ARGON2_MEMORY_KIB": "12288"},
    ],
)
def test_production_accepts_every_argon2_floor_of_asvs(stronger: dict[str, str]) -> None:
    assert load({**PRODUCTION, **stronger}).environment == "production"


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        (PRODUCTION, ["TRUSTED_PROXIES"]),
        ({**PRODUCTION, "TRUSTED_PROXIES": "192.0.2.1"}, []),
        ({}, []),
    ],
)
def test_production_without_trusted_proxies_gets_a_notice(environ: dict[str, str], named: list[str]) -> None:
    assert [line.split()[0] for line in notices(load(environ))] == named
