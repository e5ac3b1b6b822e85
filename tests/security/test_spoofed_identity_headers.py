"""A client sends identity headers of its own through a proxy, in every spelling: none reaches the back end."""

from collections.abc import Iterator
from itertools import product
from uuid import uuid4

import pytest

from app.http.forward_auth import IDENTITY_HEADERS
from tests.support.proxied_service import Proxied, reached

ADMIN = "admin"
# What a name may hold besides letters and digits (RFC 9110 section 5.6.2), and `-` and `_`.
OTHER_SEPARATORS = "!#$%&'*+.^`|~"


def spellings() -> Iterator[str]:
    """Every mixture of `-` and `_` in each of the names, in several cases, and each with other separators."""
    for name in IDENTITY_HEADERS:
        first, *others = name.split("-")
        for separators in product("-_", repeat=len(others)):
            spelt = first + "".join(map("".join, zip(separators, others, strict=True)))
            yield from (spelt, spelt.upper(), spelt.lower())
        for separator in OTHER_SEPARATORS:
            yield from (separator.join((first, *others)), name.replace("-", separator, 1))


async def test_no_header_of_the_client_reaches_the_back_end(proxy: Proxied) -> None:
    app, email = proxy.workers.app, f"ada-{uuid4().hex[:8]}@example.org"
    user_id = await app.user(email)
    token = await app.token(user_id)
    told = reached(await proxy.send(token)).identity
    session = told["X_OSTIARY_SESSION"]
    # nginx passes no empty header on, Caddy does.
    assert told.pop("X_OSTIARY_PLATFORM_ROLE", [""]) == [""]
    assert told == {
        "X_OSTIARY_USER": [str(user_id)],
        "X_OSTIARY_EMAIL": [email],
        "X_OSTIARY_NAME": ["Ada"],
        "X_OSTIARY_SESSION": session,
    }

    for spelt in spellings():
        sent = [(spelt, ADMIN), (spelt, ADMIN)]
        seen = reached(await proxy.send(token, headers=sent)).identity
        assert seen.pop("X_OSTIARY_PLATFORM_ROLE", [""]) == [""], spelt
        assert seen == told, spelt


async def test_all_spellings_at_once_do_not_reach_the_back_end_either(proxy: Proxied) -> None:
    app = proxy.workers.app
    token = await app.token(await app.user(f"{uuid4()}@example.org"))
    sent = [(spelt, ADMIN) for spelt in [*spellings(), "X-Ostiary-Groups", "X_Ostiary_Groups"]]
    seen = reached(await proxy.send(token, headers=sent)).identity
    assert [values for name, values in seen.items() if ADMIN in values and name != "X_OSTIARY_GROUPS"] == []
    assert all(len(values) == 1 for name, values in seen.items() if name != "X_OSTIARY_GROUPS")


async def test_spoofed_headers_sign_nobody_in(proxy: Proxied) -> None:
    assert (await proxy.send()).status_code == 401
    for spelt in spellings():
        assert (await proxy.send(headers=[(spelt, ADMIN)])).status_code == 401
    assert (await proxy.send("a" * 43)).status_code == 401


async def test_a_role_that_a_request_has_lost_is_not_told_in_the_next_one(proxy: Proxied) -> None:
    app = proxy.workers.app
    admin_id = await app.user(f"{uuid4()}@example.org", admin=True)
    admin, user = await app.token(admin_id, admin=True), await app.token(await app.user(f"{uuid4()}@example.org"))
    for _ in range(3):
        assert reached(await proxy.send(admin)).identity["X_OSTIARY_PLATFORM_ROLE"] == ["admin"]
        assert reached(await proxy.send(user)).identity.get("X_OSTIARY_PLATFORM_ROLE", [""]) == [""]


@pytest.mark.parametrize("name", IDENTITY_HEADERS)
async def test_a_client_takes_no_identity_header_from_its_request(proxy: Proxied, name: str) -> None:
    """Proxies delete the headers that `Connection` names (RFC 9110 section 7.6.1), also those that they have set."""
    app = proxy.workers.app
    user_id = await app.user(f"{uuid4()}@example.org", admin=True)
    token = await app.token(user_id, admin=True)
    told = reached(await proxy.send(token)).identity
    for value in (name, f"close, {name.lower()}", f"keep-alive,{name}"):
        assert reached(await proxy.send(token, headers=[("Connection", value)])).identity == told, value
