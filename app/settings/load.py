"""Settings are read from the environment once, with one line for each mistake."""

from collections.abc import Mapping
from typing import Literal, get_args, get_origin

import msgspec

from app.settings.limits import DEFAULT_WINDOWS, LIMITS, Window, parse_windows
from app.settings.model import FILE_MAIL, Settings
from app.settings.rules import broken_rules
from app.settings.urls import is_base_url, origin_of

BOOLEANS = {"on": True, "true": True, "1": True, "off": False, "false": False, "0": False}
LIMIT_PREFIX = "LIMIT_"
# With these values of HOST the service listens on both addresses of `localhost`, or on all.
LISTENS_LOCALLY = ("0.0.0.0", "::", "127.0.0.1")  # noqa: S104 # compared, not bound


class SettingsError(Exception):
    """The environment has mistakes. `lines` has one line for each; a line names the setting and repeats no value."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def load(environ: Mapping[str, str]) -> Settings:
    """Read and check all settings. Variables that are unset, empty or blank take the default.

    Raises `SettingsError` for values of another type, or, if there are none, for broken rules.
    """
    values: dict[str, object] = {}
    mistakes: list[str] = []
    for field in msgspec.structs.fields(Settings):
        if field.name == "limits":
            continue
        variable = field.name.upper()
        raw = environ.get(variable, "").strip()
        if not raw:
            continue
        try:
            values[field.name] = _convert(raw, field.type)
        except (KeyError, msgspec.ValidationError):
            mistakes.append(f"{variable}: expected {_expected(field.type)}")
    values["limits"] = {**DEFAULT_WINDOWS, **_limits(environ, mistakes)}
    if mistakes:
        raise SettingsError(mistakes)
    settings = Settings(**values)  # type: ignore[arg-type] # each value was converted to its field's type above
    settings = msgspec.structs.replace(settings, public_url=_public_url(settings), mail_from=_mail_from(settings))
    if broken := broken_rules(settings):
        raise SettingsError(broken)
    return settings


def _limits(environ: Mapping[str, str], mistakes: list[str]) -> dict[str, tuple[Window, ...]]:
    """The windows of the variables LIMIT_… by the names of their limits. Adds a line to `mistakes` for each bad one."""
    limits = {}
    for variable in sorted(name for name in environ if name.startswith(LIMIT_PREFIX)):
        name, raw = variable.removeprefix(LIMIT_PREFIX).lower(), environ[variable].strip()
        if variable != LIMIT_PREFIX + name.upper() or name not in LIMITS:
            mistakes.append(f"{variable}: there is no such limit; docs/limits.md lists them")
        elif raw:
            try:
                limits[name] = parse_windows(raw)
            except ValueError:
                mistakes.append(f"{variable}: expected a limit such as 5/minute;50/day, or off")
    return limits


def _convert(raw: str, wanted: object) -> object:
    """The text of a variable as a value of the type `wanted`. Raises `KeyError` or `msgspec.ValidationError`."""
    if wanted is bool:
        return BOOLEANS[raw.lower()]
    if get_origin(wanted) is tuple:
        return msgspec.convert([part.strip() for part in raw.split(",") if part.strip()], type=wanted)
    return msgspec.convert(raw, type=wanted, strict=False)


def _expected(wanted: object) -> str:
    """What a mistake's line says of the values that the type `wanted` has."""
    if wanted is bool:
        return "on or off"
    if get_origin(wanted) is Literal:
        return " or ".join(get_args(wanted))
    if get_origin(wanted) is tuple:
        return f"a list of {' and '.join(get_args(get_args(wanted)[0]))}"
    _, limits = get_args(wanted)
    return f"a whole number from {limits.ge} to {limits.le}"


def _public_url(settings: Settings) -> str:
    """PUBLIC_URL as an origin, or the address that the service listens on; a malformed URL is left to the rules."""
    if settings.public_url:
        url = settings.public_url.rstrip("/")
        return origin_of(url) if is_base_url(url) else url
    host = "localhost" if settings.host in LISTENS_LOCALLY else settings.host
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def _mail_from(settings: Settings) -> str:
    """MAIL_FROM, which mail to files can do without."""
    return settings.mail_from or ("Ostiary <no-reply@ostiary.test>" if settings.mail_url == FILE_MAIL else "")
