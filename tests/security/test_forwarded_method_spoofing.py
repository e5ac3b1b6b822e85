"""A client names another method than its own, so that a request that changes something passes for one that reads."""

from uuid import uuid4

from tests.support.proxied_service import Proxied

SPOOFS = (
    [("X-Forwarded-Method", "GET")],
    [("x-forwarded-method", "GET"), ("X-Forwarded-Method", "HEAD")],
    [("X_Forwarded_Method", "GET")],
    [("X-Forwarded_Method", "GET")],
    [("X-Original-Method", "GET")],
    [("X-HTTP-Method-Override", "GET")],
    [("X-Method-Override", "GET")],
    [("Connection", "X-Forwarded-Method")],
    [("Connection", "close, X-Forwarded-Method"), ("X-Forwarded-Method", "GET")],
    [("Connection", "Origin"), ("Origin", "https://evil.example")],
    [("Connection", "Sec-Fetch-Site"), ("Sec-Fetch-Site", "cross-site")],
)


async def test_the_method_of_the_request_counts_whatever_the_client_says(proxy: Proxied) -> None:
    app = proxy.workers.app
    token = await app.token(await app.user(f"{uuid4()}@example.org"))
    for spoof in SPOOFS:
        assert (await proxy.send(token, "POST", headers=spoof, content=b"x=1")).status_code == 403, spoof
        assert (await proxy.send(token, "GET", headers=spoof)).status_code in (200, 403), spoof


async def test_a_method_in_the_query_does_not_count(proxy: Proxied) -> None:
    app = proxy.workers.app
    token = await app.token(await app.user(f"{uuid4()}@example.org"))
    for path in ("/?X-Forwarded-Method=GET", "/?_method=GET"):
        assert (await proxy.send(token, "POST", path)).status_code == 403
