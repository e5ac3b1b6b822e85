"""`ostiary_client` for Python back ends, against the service: as ASGI middleware of Litestar, and in Django."""

import inspect
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from litestar import Litestar, Request, get, post

from client.python import ostiary_client
from client.python.ostiary_client import OstiaryMiddleware, Scope, Unavailable, Verifier, django_middleware
from tests.support.app import SECRET
from tests.support.serve_process import Service

APP = "https://app.example.org"


@pytest.fixture
async def token(service: Service) -> AsyncIterator[str]:
    """The token of a session of eve."""
    async with httpx.AsyncClient(base_url=service.url) as client:
        sent = {"method": "password", "email": "eve@example.org", "secret": SECRET}
        assert (await client.post("/api/session", json=sent)).status_code == 201
        yield client.cookies["auth_session"]


@pytest.fixture
async def verifier(service: Service) -> AsyncIterator[Verifier]:
    """A verifier that takes requests from pages of `APP`."""
    verifier = Verifier(service.url, origins=[APP])
    yield verifier
    await verifier.aclose()


@get("/")
async def show(request: Request[Any, Any, Any]) -> str:
    caller = request.scope["state"]["caller"]
    return caller.user["name"] if caller else "nobody"


@post("/", status_code=200)
async def change(request: Request[Any, Any, Any]) -> str:
    return "changed" if request.scope["state"]["caller"] else "nobody"


def client_of(verifier: Verifier) -> httpx.AsyncClient:
    """A client of a Litestar app behind the middleware."""
    app = OstiaryMiddleware(Litestar([show, change]), verifier)  # type: ignore[arg-type] # it has types of its own
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=APP)


async def test_a_cookie_or_bearer_token_tells_who_sends_a_request(verifier: Verifier, token: str) -> None:
    for headers in ({"cookie": f"theme=dark; auth_session={token}"}, {"authorization": f"Bearer {token}"}):
        caller = await verifier.verify("GET", headers)
        assert caller is not None
        assert (caller.user["name"], caller.user_id) == ("Eve", caller.user["id"])
        assert any("read" in rule["action"] for rule in caller.rules)
        assert verifier.verify_sync("GET", headers) == caller


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"cookie": "theme=dark"},
        {"cookie": "auth_session=ost_" + 43 * "x"},
        {"cookie": "auth_session=ä"},
        {"cookie": "auth_session=a\r\nX-Evil: 1"},
        {"authorization": "Bearer ost_" + 43 * "x"},
        {"authorization": "Basic YTpi"},
        {"authorization": "Bearer a b"},
    ],
)
async def test_a_wrong_credential_is_nobody(verifier: Verifier, headers: dict[str, str]) -> None:
    try:
        assert await verifier.verify("GET", headers) is None
    except Unavailable:  # httpx sends no header with a line break
        assert "\n" in headers["cookie"]


async def test_a_session_that_has_ended_counts_no_more(service: Service, verifier: Verifier, token: str) -> None:
    headers = {"authorization": f"Bearer {token}"}
    assert await verifier.verify("GET", headers)
    async with httpx.AsyncClient(base_url=service.url, headers=headers) as client:
        assert (await client.delete("/api/session")).status_code == 204
    assert await verifier.verify("GET", headers) is None


async def test_an_unchanged_session_is_asked_for_each_time_without_a_body(service: Service, token: str) -> None:
    answers, sent = list[int](), list[str]()

    async def note(response: httpx.Response) -> None:
        answers.append(response.status_code)
        sent.append(response.request.headers["cookie"])

    verifier = Verifier(service.url)
    verifier._async_client = httpx.AsyncClient(base_url=service.url, event_hooks={"response": [note]})
    for _ in range(3):
        assert await verifier.verify("GET", {"cookie": f"theme=dark; auth_session={token}"})
    await verifier.aclose()
    assert answers == [200, 304, 304]
    assert set(sent) == {f"auth_session={token}"}, "the service gets the session cookie alone"


@pytest.mark.parametrize(
    ("headers", "answer"),
    [
        ({"Origin": APP}, "changed"),
        ({"Sec-Fetch-Site": "same-origin"}, "changed"),
        ({}, "nobody"),
        ({"Origin": "https://evil.example"}, "nobody"),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "null"}, "nobody"),
    ],
)
async def test_a_cookie_changes_something_only_from_an_own_page(
    verifier: Verifier, token: str, headers: dict[str, str], answer: str
) -> None:
    async with client_of(verifier) as client:
        assert (await client.get("/", headers={"Cookie": f"auth_session={token}"})).text == "Eve"
        assert (await client.post("/", headers={"Cookie": f"auth_session={token}", **headers})).text == answer
        assert (await client.post("/", headers={"Authorization": f"Bearer {token}"})).text == "changed"


async def test_while_the_service_is_away_requests_are_answered_with_503(token: str) -> None:
    away = Verifier("http://127.0.0.1:9")
    async with client_of(away) as client:
        answer = await client.get("/", headers={"Authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert (await client.get("/")).text == "nobody"
    await away.aclose()


async def test_a_websocket_counts_a_cookie_only_from_an_own_page(verifier: Verifier, token: str) -> None:
    seen = list[object]()

    async def app(scope: Scope, _receive: object, _send: object) -> None:
        seen.append(scope["state"]["caller"])

    for origin in (APP, "https://evil.example"):
        headers = [(b"cookie", f"auth_session={token}".encode()), (b"origin", origin.encode())]
        scope: Scope = {"type": "websocket", "headers": headers}
        await OstiaryMiddleware(app, verifier)(scope, None, None)  # type: ignore[arg-type] # neither is called
    assert [caller is not None for caller in seen] == [True, False]


async def test_django_views_know_the_caller(verifier: Verifier, token: str) -> None:
    import django  # noqa: PLC0415 # settings come before the rest of it
    from django.conf import settings  # noqa: PLC0415

    settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=(), USE_I18N=False)
    django.setup()
    from django.http import HttpResponse  # noqa: PLC0415
    from django.test import RequestFactory  # noqa: PLC0415

    def view(request: Any) -> HttpResponse:  # noqa: ANN401 # Django has no types
        return HttpResponse(request.caller.user["name"] if request.caller else "nobody")

    handle = django_middleware(verifier)(view)
    request = RequestFactory()
    assert handle(request.get("/", HTTP_COOKIE=f"auth_session={token}")).content == b"Eve"
    assert handle(request.get("/")).content == b"nobody"
    assert handle(request.post("/", HTTP_COOKIE=f"auth_session={token}")).content == b"nobody"
    assert handle(request.post("/", HTTP_COOKIE=f"auth_session={token}", HTTP_ORIGIN=APP)).content == b"Eve"
    nowhere = Verifier("http://127.0.0.1:9")
    away = django_middleware(nowhere)(lambda _: HttpResponse("never"))
    assert away(request.get("/", HTTP_AUTHORIZATION=f"Bearer {token}")).status_code == 503
    await nowhere.aclose()


@pytest.mark.parametrize("middleware", [OstiaryMiddleware, django_middleware])
def test_a_middleware_has_at_most_40_lines(middleware: object) -> None:
    assert len(inspect.getsource(middleware).splitlines()) <= 40  # type: ignore[arg-type]
    assert inspect.getmodule(middleware) is ostiary_client
