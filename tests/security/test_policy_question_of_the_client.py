"""A client chooses the question to the policy that a proxy asks about its request."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.support.app import RunningApp
from tests.support.proxied_service import Proxied, ProxiedService, reached
from tests.support.proxies import PROXIES

# Everybody may do this.
EASY = "action=read&subject=User&id=me"
QUESTION = "?action=administer&subject=Language&id=de-x-proxied"
PATHS = (
    f"/?{EASY}",
    f"/api/verify?{EASY}",
    f"/_ostiary_verify?{EASY}",
    f"/%3F{EASY}",
    f"/?a=1%26{EASY}",
    f"//?{EASY}#",
)
HEADERS = (
    "X-Original-URL",
    "X-Original-URI",
    "X-Rewrite-URL",
    "X-Forwarded-Uri",
    "X-Forwarded-Path",
    "X-Original-Query",
)


@pytest.fixture(params=PROXIES)
def asking(request: pytest.FixtureRequest, proxied: ProxiedService) -> Iterator[Proxied]:
    """Each proxy in turn, which asks whether the caller may administer a language."""
    with proxied.behind(request.param, QUESTION) as running:
        yield running


async def test_the_question_of_the_operator_is_asked_whatever_the_client_sends(asking: Proxied) -> None:
    app = asking.workers.app
    admin, user = await app.user(f"{uuid4()}@example.org", admin=True), await app.user(f"{uuid4()}@example.org")
    admin_token, token = await app.token(admin, admin=True), await app.token(user)
    assert reached(await asking.send(admin_token, path="/?page=2")).request.startswith("GET /?page=2 ")
    for path in PATHS:
        assert (await asking.send(token, path=path)).status_code in (403, 404), path
        assert (await asking.send(token, path=path)).status_code != 200, path
    for name in HEADERS:
        assert (await asking.send(token, headers=[(name, f"/api/verify?{EASY}")])).status_code == 403, name
    assert (await asking.send()).status_code == 401


async def test_the_service_reads_the_question_from_nothing_but_the_query(app: RunningApp) -> None:
    client = await app.signed_in()
    for _ in range(2):  # the second one is answered from memory
        for name in HEADERS:
            headers = {"X-Forwarded-Method": "GET", name: f"/api/verify?{EASY}"}
            assert (await client.get(f"/api/verify{QUESTION}", headers=headers)).status_code == 403
        assert (await client.get("/api/verify", headers={"X-Forwarded-Method": "GET"})).status_code == 204
        assert (await client.get(f"/api/verify?{EASY}", headers={"X-Forwarded-Method": "GET"})).status_code == 204


async def test_a_question_that_cannot_be_asked_lets_nobody_through(proxied: ProxiedService) -> None:
    app = proxied.workers.app
    admin = await app.token(await app.user(f"{uuid4()}@example.org", admin=True), admin=True)
    for proxy in PROXIES:
        with proxied.behind(proxy, "?action=administer&subject=Language&id=") as asking:
            assert (await asking.send(admin)).status_code >= 400
