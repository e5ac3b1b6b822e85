"""What people read of an error: a text of the catalogue in their language, and nothing of the API's insides."""

import re
from collections.abc import Mapping

import httpx
import pytest

from tests.support.app import CREDENTIALS, ORIGIN, SECRET, RunningApp, is_signed_in, problem

GERMAN = {"Accept-Language": "de-AT,de;q=0.9,en;q=0.8"}
ENGLISH = {"Accept-Language": "en"}
OF_DEVELOPERS = re.compile(r"Expected|regex|\bstr\b|\bint\b|/api/|\^|POST|If-Match|sign_in|msgspec")


@pytest.mark.parametrize(
    ("body", "message", "params"),
    [
        ({"phone": "0151 123"}, "+49 for Germany", {"form": "phone"}),
        ({"phone": 49151}, "does not look right", {}),
        ({"locale": "de_DE!"}, "language code, such as de", {"form": "locale"}),
        ({"name": ""}, "This is needed.", {"min": 1}),
        ({"name": "a" * 201}, "at most 200 characters", {"max": 200}),
        ({"name": "\u2067"}, "control characters", {"form": "name"}),
        ({"nickname": "Ada"}, "not asked for here", {}),
    ],
)
async def test_a_refused_value_is_told_in_words_and_its_hint_shows_no_pattern(
    app: RunningApp, body: Mapping[str, object], message: str, params: Mapping[str, object]
) -> None:
    client = await app.signed_in()
    answer = await client.patch("/api/users/me", json=body)
    [error] = problem(answer)["errors"]
    assert message in error["message"]
    assert error.get("params", {}) == params
    assert not OF_DEVELOPERS.search(error["message"])
    assert "regex" not in answer.text
    assert "\\\\" not in answer.text
    assert error["hint"]


async def refused(app: RunningApp, kind: str, headers: Mapping[str, str]) -> httpx.Response:
    client = app.client(**headers)
    if kind == "by the outermost layer":
        return await client.post("/api/session", content=b"x", headers={"Content-Type": "text/plain"})
    if kind == "by the router":
        return await client.get("/api/nowhere")
    if kind == "by the framework":
        return await client.put("/api/session", json={})
    return await client.post("/api/session", json=CREDENTIALS)


@pytest.mark.parametrize("kind", ["by the outermost layer", "by the router", "by the framework", "by a flow"])
async def test_every_refusal_is_in_the_language_that_is_asked_for(app: RunningApp, kind: str) -> None:
    german, english = await refused(app, kind, GERMAN), await refused(app, kind, {})
    assert (german.headers["content-language"], english.headers["content-language"]) == ("de", "en")
    told, other = problem(german), problem(english)
    assert told["text"] != other["text"]
    assert (told["code"], told["title"], told.get("detail")) == (other["code"], other["title"], other.get("detail"))
    for answer in german, english:
        assert "accept-language" in answer.headers["vary"].lower()


async def test_without_a_language_that_is_asked_for_the_language_of_the_user_counts(app: RunningApp) -> None:
    client = await app.signed_in()
    assert (await client.patch("/api/users/me", json={"locale": "de-CH"})).status_code == 200
    told = [
        problem(await client.get("/api/languages/da", headers=headers))["text"]
        for headers in ({}, ENGLISH, {"Accept-Language": "fr, *;q=0.1"})
    ]
    german, english = "Das dürfen Sie nicht.", "You may not do this."
    assert [text.partition(" Wenn")[0].partition(" If")[0] for text in told] == [german, english, german]


async def _of_german(app: RunningApp) -> httpx.AsyncClient:
    client = await app.signed_in()
    assert (await client.patch("/api/users/me", json={"locale": "de"})).status_code == 200
    return client


async def test_a_refusal_of_a_replaced_token_is_in_the_language_of_the_user(app: RunningApp) -> None:
    browser = await _of_german(app)
    late = app.with_cookie(browser.cookies["auth_session"])
    await browser.post("/api/session/reauthentication", json={"method": "password", "secret": SECRET})

    refused = await late.patch("/api/users/me", json={"name": "Ada L."})

    assert problem(refused)["code"] == "session_replaced"
    assert refused.headers["content-language"] == "de"


@pytest.mark.parametrize(
    ("origin", "code"), [("https://evil.example", "cross_site_request"), (ORIGIN, "session_not_kept")]
)
async def test_a_refusal_of_another_site_is_in_the_language_of_the_user(
    app: RunningApp, origin: str, code: str
) -> None:
    client = await _of_german(app)
    headers = {"Origin": origin, "Sec-Fetch-Site": "cross-site"}

    refused = await client.delete("/api/session", headers=headers)

    assert (problem(refused)["code"], refused.headers["content-language"]) == (code, "de")
    assert await is_signed_in(client)


@pytest.mark.parametrize("kind", ["by the outermost layer", "by the router", "by the framework"])
async def test_a_refusal_before_anybody_is_authenticated_knows_no_user(app: RunningApp, kind: str) -> None:
    token = (await _of_german(app)).cookies["auth_session"]
    answer = await refused(app, kind, {"Cookie": f"auth_session={token}"})
    assert (answer.status_code, answer.headers["content-language"]) in ((404, "en"), (405, "en"), (415, "en"))


@pytest.mark.parametrize(
    ("language", "message"),
    [
        (ENGLISH, "Ask for a new code in this browser, and enter it here."),
        (GERMAN, "Fordern Sie in diesem Browser einen neuen Code an und geben Sie ihn hier ein."),
    ],
)
async def test_a_code_without_its_flow_is_told_what_to_do(
    app: RunningApp, language: Mapping[str, str], message: str
) -> None:
    sent = {"method": "code", "email": CREDENTIALS["email"], "code": "12345678"}
    [error] = problem(await app.client(**language).post("/api/session", json=sent))["errors"]
    assert (error["field"], error["code"], error["params"]) == ("flow", "missing", {"form": "flow"})
    assert error["message"] == message
