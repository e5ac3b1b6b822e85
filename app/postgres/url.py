"""DATABASE_URL as operators get it from a provider, and what of it asyncpg takes.

libpq's parameters are listed in its documentation (PostgreSQL 18, section 32.1.2). asyncpg sends each parameter that it
does not know to the server as a server setting, and the server refuses unknown ones.
"""

import ssl
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from msgspec import Struct

# Parameters of libpq, of other drivers and of providers that protect nothing: asyncpg has no counterpart, or the
# service does the same in its own way.
DROPPED = frozenset({
    "client_encoding", "connection_limit", "gssdelegation", "gssencmode", "keepalives", "keepalives_count",
    "keepalives_idle", "keepalives_interval", "load_balance_hosts", "max_connection_lifetime",
    "max_idle_connection_lifetime", "max_protocol_version", "min_protocol_version", "pool_timeout", "prepareThreshold",
    "prepared_statement_cache_size", "single_use_connections", "socket_timeout", "sslcertmode", "sslcompression",
    "sslkeylogfile", "sslsni", "statement_cache_size", "supa", "tcp_user_timeout", "uselibpqcompat", "workaround",
})  # fmt: skip
# Parameters whose protection asyncpg cannot give, and what to do. To drop them would weaken the connection in silence.
VERIFY = "leave it out, and let sslmode=verify-full prove the server"
REFUSED = {
    "require_auth": VERIFY,
    "requirepeer": "leave it out, and let the permissions of the socket's directory prove the server",
    "requiressl": "write sslmode=require",
    "sslcrldir": "name one file in sslcrl",
    "sslidentity": "write the files of the certificate and its key in sslcert and sslkey",
}
REFUSED_VALUES = {("gssencmode", "require"): VERIFY, ("sslcertmode", "require"): VERIFY}
# Parameters of other drivers, by the name that asyncpg or the server knows.
RENAMED = {"fallback_application_name": "application_name", "schema": "search_path", "ssl": "sslmode"}
# Values of sslmode that other drivers take, by libpq's.
SSL_MODES = {"no-verify": "require", "true": "require", "1": "require", "false": "disable", "0": "disable"}
# Values of `sslaccept`, a parameter of Prisma: whether the certificate of the server is verified.
SSL_ACCEPT = ("strict", "accept_invalid_certs")
CHANNEL_BINDING = ("disable", "prefer", "require")
SWITCH = {"true": True, "1": True, "false": False, "0": False}
# The values of target_session_attrs with which every connection may write, as far as the server says so.
WRITABLE = ("any", "primary", "read-write")


class DatabaseUrlError(ValueError):
    """The URL has a mistake. The message is one line that repeats no value."""


class Host(Struct, frozen=True):
    """One server of several. Without values: what the URL, the environment of libpq or its default names."""

    host: str | None = None
    port: int | None = None


class Server(Struct, frozen=True, kw_only=True):
    """How to reach the database: what `asyncpg.connect` takes, and what the service itself does.

    `hosts` are tried in this order. `connect_seconds` is how long to wait for one of them, if the URL says so.
    """

    dsn: str
    hosts: tuple[Host, ...]
    target_session_attrs: str
    tls: ssl.SSLContext | None
    connect_seconds: int | None
    transaction_pooler: bool

    def __repr__(self) -> str:
        return "Server()"  # the DSN has a password


def server_of(url: str) -> Server:
    """What the URL says. Raises `DatabaseUrlError`."""
    parts = urlsplit(url)
    given = _parameters(parts.query)
    user, at, authority = parts.netloc.rpartition("@")
    hosts = _hosts(authority, given)
    tls = _system_tls(given) if given.get("sslrootcert") == "system" else None
    connect_seconds = given.pop("connect_timeout", "0")
    if not connect_seconds.isdecimal():
        raise DatabaseUrlError("connect_timeout must be whole seconds")
    pooler = SWITCH.get(given.pop("pgbouncer", "false").lower())
    if pooler is None:
        raise DatabaseUrlError("pgbouncer must be true or false")
    target = given.pop("target_session_attrs", "any" if len(hosts) == 1 else "read-write")
    if target not in WRITABLE:
        raise DatabaseUrlError(f"target_session_attrs must be {' or '.join(WRITABLE)}, because the service writes")
    authority = authority if hosts == (Host(),) else ""
    return Server(
        dsn=urlunsplit(parts._replace(netloc=user + at + authority, query=urlencode(given))),
        hosts=hosts,
        target_session_attrs=target,
        tls=tls,
        connect_seconds=int(connect_seconds) or None,  # libpq takes 0 for no limit
        transaction_pooler=pooler,
    )


def _parameters(query: str) -> dict[str, str]:
    """The parameters that have an effect, by the names that asyncpg or the server knows."""
    try:
        pairs = parse_qsl(query, strict_parsing=bool(query))
    except ValueError:
        raise DatabaseUrlError("each parameter must have a value, as in name=value") from None
    for name, value in pairs:
        if advice := REFUSED.get(name) or REFUSED_VALUES.get((name, value)):
            raise DatabaseUrlError(f"{name} has no counterpart here: {advice}")
    given = {name: value for name, value in pairs if name not in DROPPED}
    for alias, name in RENAMED.items():
        if alias in given:
            given.setdefault(name, given.pop(alias))
    if "sslmode" in given:
        given["sslmode"] = SSL_MODES.get(given["sslmode"], given["sslmode"])
    if _wants_proof(given):
        given["sslmode"] = "verify-full"
        given.setdefault("sslrootcert", "system")
    return given


def _wants_proof(given: dict[str, str]) -> bool:
    """Whether the server must prove who it is by a parameter that asyncpg does not know, which is taken out of `given`.

    A certificate proves what channel binding would.
    """
    accept, binding = given.pop("sslaccept", SSL_ACCEPT[1]), given.pop("channel_binding", "prefer")
    if accept not in SSL_ACCEPT:
        raise DatabaseUrlError(f"sslaccept must be {' or '.join(SSL_ACCEPT)}")
    if binding not in CHANNEL_BINDING:
        raise DatabaseUrlError(f"channel_binding must be {' or '.join(CHANNEL_BINDING)}")
    return binding == "require" or accept == "strict"


def _hosts(authority: str, given: dict[str, str]) -> tuple[Host, ...]:
    """The hosts of a URL that names several or an address, which are taken out of `given`; else one without values."""
    names = (given.get("host") or authority).split(",")
    addresses = given.pop("hostaddr", "")
    if len(names) == 1 and not addresses:
        return (Host(),)
    given.pop("host", None)
    if addresses:
        names = _with_addresses(names, addresses.split(","), given)
    ports = given.pop("port", "").split(",")
    if len(ports) not in (1, len(names)):
        raise DatabaseUrlError("name one port for all hosts, or one for each")
    return tuple(_host(name, port) for name, port in zip(names, ports * (len(names) // len(ports)), strict=True))


def _with_addresses(names: list[str], addresses: list[str], given: dict[str, str]) -> list[str]:
    """The names of hosts, with the addresses of `hostaddr` in place of those that would have to be looked up."""
    if names != [""] and given.get("sslmode") == "verify-full":
        raise DatabaseUrlError("hostaddr cannot be used where the certificate proves the name: leave it out")
    if len(addresses) != len(names):
        raise DatabaseUrlError("name one hostaddr for each host")
    ports = (name.rpartition("]")[2].partition(":")[2] for name in names)
    return [f"[{address}]:{port}" for address, port in zip(addresses, ports, strict=True)]


def _host(text: str, port: str) -> Host:
    """The host, percent-decoded and without brackets (RFC 3986 section 3.2.2), with its own port or else `port`."""
    host, _, own = text[1:].partition("]") if text.startswith("[") else text.partition(":")
    port = own.removeprefix(":") or port or "5432"
    if not (host and port.isdecimal()):
        raise DatabaseUrlError("each host must have a name, and a port must be a number")
    return Host(unquote(host), int(port))


def _system_tls(given: dict[str, str]) -> ssl.SSLContext:
    """TLS with the certificate authorities of the system, and the parameters of TLS taken out of `given`."""
    del given["sslrootcert"]
    given.pop("sslmode", None)
    unused = [name for name in given if name.startswith("ssl") and name != "sslnegotiation"]
    if unused:
        raise DatabaseUrlError(
            f"{unused[0]} cannot be used with the certificate authorities of the system: "
            "name the file of the root certificates in sslrootcert"
        )
    return ssl.create_default_context()
