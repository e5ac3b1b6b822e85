"""DATABASE_URL as providers write it: what asyncpg takes is passed on, the rest is translated, dropped or refused."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from app.postgres.url import DatabaseUrlError, Host, server_of

URL = "postgresql://ada:hunter2@db.example.org:5432/ostiary"


def parameters(query: str) -> dict[str, str]:
    """The parameters that asyncpg gets for a URL with this query."""
    return dict(parse_qsl(urlsplit(server_of(f"{URL}?{query}").dsn).query))


def test_a_url_without_parameters_stays_as_it_is() -> None:
    server = server_of(URL)
    assert (server.dsn, server.hosts, server.target_session_attrs) == (URL, (Host(),), "any")
    assert (server.tls, server.connect_seconds, server.transaction_pooler) == (None, None, False)


@pytest.mark.parametrize(
    ("query", "passed"),
    [
        # Neon, Supabase, Prisma, Heroku and node-postgres, libpq
        ("sslmode=require&channel_binding=prefer", {"sslmode": "require"}),
        ("sslmode=require&sslaccept=accept_invalid_certs", {"sslmode": "require"}),
        ("max_connection_lifetime=60&max_idle_connection_lifetime=60&single_use_connections=true", {}),
        ("pgbouncer=true&connection_limit=1&pool_timeout=20", {}),
        ("sslmode=require&supa=base-pooler.x&workaround=supabase-pooler.vercel", {"sslmode": "require"}),
        ("schema=auth", {"search_path": "auth"}),
        ("sslmode=no-verify", {"sslmode": "require"}),
        ("ssl=true", {"sslmode": "require"}),
        ("ssl=true&sslmode=verify-full", {"sslmode": "verify-full"}),
        ("sslmode=verify-full&sslrootcert=/etc/ca.pem", {"sslmode": "verify-full", "sslrootcert": "/etc/ca.pem"}),
        ("keepalives=1&keepalives_idle=30&tcp_user_timeout=5000&gssencmode=disable&client_encoding=utf8", {}),
        ("application_name=auth&fallback_application_name=x", {"application_name": "auth"}),
        ("fallback_application_name=x", {"application_name": "x"}),
        ("options=-c%20search_path%3Dauth", {"options": "-c search_path=auth"}),
        ("sslmode=verify-ca&sslrootcert=/ca.pem&sslcrl=/crl.pem&sslcert=/c&sslkey=/k&ssl_min_protocol_version=TLSv1.3",
         {"sslmode": "verify-ca", "sslrootcert": "/ca.pem", "sslcrl": "/crl.pem", "sslcert": "/c", "sslkey": "/k",
          "ssl_min_protocol_version": "TLSv1.3"}),
        ("gssencmode=prefer&sslcertmode=allow&load_balance_hosts=random&min_protocol_version=3.0", {}),
        ("service=auth&passfile=/etc/pgpass", {"service": "auth", "passfile": "/etc/pgpass"}),
        ("host=/run/postgresql&port=5433", {"host": "/run/postgresql", "port": "5433"}),
    ],
)  # fmt: skip
def test_a_parameter_is_passed_translated_or_dropped(query: str, passed: dict[str, str]) -> None:
    assert parameters(query) == passed


def test_connect_timeout_is_seconds_and_0_means_no_limit() -> None:
    assert server_of(f"{URL}?connect_timeout=7").connect_seconds == 7
    assert server_of(f"{URL}?connect_timeout=0").connect_seconds is None


def test_pgbouncer_tells_of_a_transaction_pooler() -> None:
    assert server_of(f"{URL}?pgbouncer=true").transaction_pooler
    assert not server_of(f"{URL}?pgbouncer=false").transaction_pooler


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("postgres://u:p@a:1,b:2/db", (Host("a", 1), Host("b", 2))),
        ("postgres://u:p@a,b/db", (Host("a", 5432), Host("b", 5432))),
        ("postgres://u:p@[::1]:1,%2Frun%2Fpg/db", (Host("::1", 1), Host("/run/pg", 5432))),
        ("postgres://u:p@/db?host=a,b&port=1,2", (Host("a", 1), Host("b", 2))),
        ("postgres://u:p@/db?host=a,b&port=3", (Host("a", 3), Host("b", 3))),
        ("postgres://u:p@a:1,b/db?hostaddr=10.0.0.1,::1", (Host("10.0.0.1", 1), Host("::1", 5432))),
    ],
)
def test_of_several_hosts_the_one_that_takes_writes_is_wanted(url: str, hosts: tuple[Host, ...]) -> None:
    server = server_of(url)
    assert server.hosts == hosts
    assert server.target_session_attrs == "read-write"
    assert server.dsn == "postgres://u:p@/db"
    assert server_of(f"{url}{'&' if '?' in url else '?'}target_session_attrs=any").target_session_attrs == "any"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("postgres://u:p@db.example.org:1/db?hostaddr=10.0.0.1", Host("10.0.0.1", 1)),
        ("postgres://u:p@/db?hostaddr=10.0.0.1&port=2", Host("10.0.0.1", 2)),
        ("postgres://u:p@/db?host=db.example.org&hostaddr=fe80::1", Host("fe80::1", 5432)),
        ("postgres://u:p@/db?hostaddr=10.0.0.1&sslmode=verify-full", Host("10.0.0.1", 5432)),
    ],
)
def test_an_address_saves_looking_up_the_name_of_the_host(url: str, host: Host) -> None:
    server = server_of(url)
    assert server.hosts == (host,)
    assert server.target_session_attrs == "any"
    assert "hostaddr" not in server.dsn
    assert "db.example.org" not in server.dsn


@pytest.mark.parametrize("proof", ["channel_binding=require", "sslaccept=strict", "sslaccept=strict&sslmode=require"])
def test_a_server_that_must_prove_itself_proves_it_by_its_certificate(proof: str) -> None:
    server = server_of(f"{URL}?{proof}&sslnegotiation=direct")
    assert server.tls is not None
    assert server.tls.check_hostname
    assert server.dsn == f"{URL}?sslnegotiation=direct"
    with_own_root = {"sslmode": "verify-full", "sslrootcert": "/ca.pem", "sslcrl": "/crl.pem"}
    assert parameters(f"sslrootcert=/ca.pem&sslcrl=/crl.pem&{proof}") == with_own_root


@pytest.mark.parametrize(
    ("protection", "advice"),
    [
        ("require_auth=scram-sha-256", "verify-full"),
        ("requirepeer=postgres", "socket"),
        ("requiressl=1", "sslmode=require"),
        ("sslcrldir=/etc/crls", "sslcrl"),
        ("sslidentity=client.p12", "sslcert"),
        ("gssencmode=require", "verify-full"),
        ("sslcertmode=require", "verify-full"),
        ("sslrootcert=system&sslcrl=/etc/crl.pem", "sslrootcert"),
        ("channel_binding=require&sslcrl=/etc/crl.pem", "sslrootcert"),
        ("sslrootcert=system&ssl_min_protocol_version=TLSv1.3", "sslrootcert"),
        ("channel_binding=required", "disable or prefer or require"),
        ("channel_binding=Require", "disable or prefer or require"),
        ("sslmode=verify-full&hostaddr=10.0.0.1", "leave it out"),
    ],
)
def test_a_protection_that_cannot_be_given_is_refused_and_not_dropped(protection: str, advice: str) -> None:
    with pytest.raises(DatabaseUrlError, match=advice):
        server_of(f"{URL}?{protection}")


def test_the_certificate_authorities_of_the_system_verify_the_server() -> None:
    server = server_of(f"{URL}?sslmode=verify-full&sslrootcert=system&sslsni=1")
    assert server.tls is not None
    assert server.tls.check_hostname
    assert server.dsn == URL


@pytest.mark.parametrize(
    ("url", "named"),
    [
        (f"{URL}?sslmode", "name=value"),
        (f"{URL}?connect_timeout=hunter2", "connect_timeout"),
        (f"{URL}?connect_timeout=-1", "connect_timeout"),
        (f"{URL}?pgbouncer=hunter2", "pgbouncer"),
        (f"{URL}?target_session_attrs=standby", "target_session_attrs"),
        (f"{URL}?sslrootcert=system&sslcert=hunter2", "sslrootcert"),
        (f"{URL}?require_auth=hunter2", "require_auth"),
        (f"{URL}?sslaccept=hunter2", "sslaccept"),
        (f"{URL}?hostaddr=hunter2,10.0.0.1", "hostaddr"),
        ("postgres://u:hunter2@a,b,c/db?port=1,2", "port"),
        ("postgres://u:hunter2@a:x,b/db", "port"),
        ("postgres://u:hunter2@a,,b/db", "host"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_parameter_and_repeats_no_value(url: str, named: str) -> None:
    with pytest.raises(DatabaseUrlError) as raised:
        server_of(url)
    assert named in str(raised.value)
    assert "hunter2" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_representation_shows_no_password() -> None:
    assert "hunter2" not in repr(server_of(URL))
