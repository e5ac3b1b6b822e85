"""Tokens: who gets one, what it says, and for how long."""

import asyncio
from datetime import datetime, timedelta

import pytest

from app.domain.tokens.service import LANGUAGES_MAX
from tests.support.app import PUBLIC_URL, TOKEN_AUDIENCE, RunningApp, field_errors, problem, running, settings_for
from tests.support.tokens import claims_of, header_of, kids_published, token_for

ASKED = {"audience": TOKEN_AUDIENCE}


async def test_a_token_says_who_calls_for_whom_and_until_when(app: RunningApp) -> None:
    await app.language()
    client = await app.signed_in_member("de", "translator")
    known = (await client.get("/api/session")).json()
    answer = await client.post("/api/session/token", json=ASKED)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json().keys() == {"token", "expiresAt"}
    token, now = answer.json()["token"], int(app.clock().timestamp())
    claims = claims_of(token)
    assert claims.pop("jti")
    assert claims == {
        "iss": PUBLIC_URL,
        "aud": TOKEN_AUDIENCE,
        "sub": known["user"]["id"],
        "sid": known["session"]["id"],
        "iat": now,
        "exp": now + 60,
        "platform_role": None,
        "roles": {"de": ["translator"]},
    }
    assert datetime.fromisoformat(answer.json()["expiresAt"]) == app.clock() + timedelta(seconds=60)
    assert header_of(token) == {"alg": "EdDSA", "typ": "JWT", "kid": (await kids_published(client))[0]}


async def test_each_token_has_an_id_of_its_own(app: RunningApp) -> None:
    client = await app.signed_in()
    tokens = await asyncio.gather(*(token_for(client) for _ in range(8)))
    assert len({claims_of(token)["jti"] for token in tokens}) == 8
    # All eight have asked for the first key.
    assert len({header_of(token)["kid"] for token in tokens}) == len(await kids_published(client)) == 1


async def test_a_token_has_the_platform_role(app: RunningApp) -> None:
    assert claims_of(await token_for(await app.signed_in(admin=True)))["platform_role"] == "admin"


@pytest.mark.parametrize(("number", "told"), [(LANGUAGES_MAX, True), (LANGUAGES_MAX + 1, False)])
async def test_a_token_has_no_roles_of_too_many_languages(app: RunningApp, number: int, told: bool) -> None:
    user_id = await app.user()
    for index in range(number):
        code = await app.language(f"de-x-{index}")
        await app.member(user_id, code, "translator")
    roles = claims_of(await token_for(app.with_cookie(await app.token(user_id))))["roles"]
    assert (roles is None) is not told
    assert roles is None or len(roles) == number


@pytest.mark.parametrize("audience", ["https://api.example.org/", "https://other.example.org", " ", "*"])
async def test_a_token_is_for_a_back_end_of_the_setting_alone(app: RunningApp, audience: str) -> None:
    client = await app.signed_in()
    answer = await client.post("/api/session/token", json={"audience": audience})
    assert field_errors(answer) == {"audience": "invalid"}
    assert field_errors(await client.post("/api/session/token", json={})) == {"audience": "missing"}


async def test_without_the_setting_there_are_no_tokens(app: RunningApp, database_url: str) -> None:
    token = await app.token(await app.user())
    async with running(settings_for(database_url, TOKEN_AUDIENCES=""), app.clock) as without:
        answer = await without.with_cookie(token).post("/api/session/token", json=ASKED)
        assert field_errors(answer) == {"audience": "invalid"}
        assert await kids_published(without.client()) == []


async def test_a_token_ends_with_its_session(app: RunningApp) -> None:
    client = await app.signed_in()
    ends = datetime.fromisoformat((await client.get("/api/session")).json()["session"]["idleExpiresAt"])
    app.clock.now = ends - timedelta(seconds=20)
    assert claims_of(await token_for(client))["exp"] == int(ends.timestamp())


async def test_a_token_lives_as_long_as_the_setting_says(app: RunningApp, database_url: str) -> None:
    token = await app.token(await app.user())
    settings = settings_for(database_url, TOKEN_SECONDS="300", TOKEN_AUDIENCES=f"https://a.example,{TOKEN_AUDIENCE}")
    async with running(settings, app.clock) as other:
        claims = claims_of(await token_for(other.with_cookie(token), "https://a.example"))
    assert (claims["aud"], claims["exp"] - claims["iat"]) == ("https://a.example", 300)


async def test_a_bearer_token_of_a_session_gets_tokens_too(app: RunningApp) -> None:
    user_id = await app.user()
    script = app.client(Authorization=f"Bearer {await app.token(user_id)}")
    assert claims_of(await token_for(script))["sub"] == str(user_id)


async def test_the_issuer_says_where_its_keys_are(app: RunningApp) -> None:
    answer = await app.client().get("/.well-known/openid-configuration")
    assert answer.json() == {"issuer": PUBLIC_URL, "jwks_uri": f"{PUBLIC_URL}/.well-known/jwks.json"}
    assert answer.headers["cache-control"] == "public, max-age=300"


async def test_published_keys_are_public_and_may_be_cached_once_there_is_one(app: RunningApp) -> None:
    client = await app.signed_in()
    assert (await client.get("/.well-known/jwks.json")).headers["cache-control"] == "no-store"
    await token_for(client)
    answer = await app.client().get("/.well-known/jwks.json")
    assert answer.headers["cache-control"] == "public, max-age=300"
    (key,) = answer.json()["keys"]
    assert key.keys() == {"kid", "kty", "crv", "x", "use", "alg"}
    assert (key["kty"], key["crv"], key["use"], key["alg"]) == ("OKP", "Ed25519", "sig", "EdDSA")


async def test_an_incomplete_profile_gets_no_token(app: RunningApp) -> None:
    newcomer = app.with_cookie(await app.token(await app.user(onboarded=False)))
    assert problem(await newcomer.post("/api/session/token", json=ASKED))["code"] == "onboarding_required"
