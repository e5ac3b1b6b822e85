"""Onboarding: a user whose profile lacks a required field may complete the profile and do nothing else."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.support.app import RunningApp, field_errors, problem, running, settings_for
from tests.support.mailbox import mailed, redeem, token_in
from tests.support.races import at_once

ADDRESS = "grace@example.org"


@pytest.fixture
async def phone_app(app: RunningApp, database_url: str) -> AsyncIterator[RunningApp]:
    """A service that requires the profile fields name and phone."""
    environ = {"SIGN_IN_METHODS": "code", "SIGN_UP": "open", "REQUIRED_PROFILE_FIELDS": "name,phone"}
    async with running(settings_for(database_url, **environ), app.clock) as phone_app:
        yield phone_app


async def newcomer(app: RunningApp, **profile: str) -> httpx.AsyncClient:
    """The client of a user who has just signed up."""
    client = app.client()
    token = token_in(await mailed(app, "sign_up", ADDRESS))
    assert (await redeem(client, token=token, **profile)).status_code == 201
    return client


async def onboarding(client: httpx.AsyncClient) -> object:
    """The value of `onboarding` in `GET /api/session`."""
    return (await client.get("/api/session")).json()["onboarding"]


async def test_the_session_lists_the_missing_fields_and_other_routes_are_refused(open_app: RunningApp) -> None:
    client = await newcomer(open_app)
    assert await onboarding(client) == {"required": True, "fields": ["name"]}
    refused = [
        await client.get("/api/languages"),
        await client.get("/api/keys"),
        await client.get("/api/users"),
        await client.post("/api/languages", json={"code": "de", "name": "German"}),
    ]
    assert [problem(answer)["code"] for answer in refused] == ["onboarding_required"] * 4


async def test_a_patch_completes_the_profile_and_may_be_repeated(open_app: RunningApp) -> None:
    client = await newcomer(open_app)
    answers = [await client.patch("/api/users/me", json={"name": "Grace"})]
    open_app.clock.forward(minutes=1)
    answers.append(await client.patch("/api/users/me", json={"name": "Grace"}))
    first, second = (answer.json() for answer in answers)
    assert [answer.status_code for answer in answers] == [200, 200]
    assert first["onboardedAt"] == second["onboardedAt"]
    assert await onboarding(client) == {"required": False, "fields": []}
    assert (await client.get("/api/languages")).status_code == 200


async def test_two_concurrent_patches_complete_the_profile(open_app: RunningApp) -> None:
    client = await newcomer(open_app)
    names = ["Grace", "Grace H."]
    answers = await at_once(2, lambda number: client.patch("/api/users/me", json={"name": names[number]}))
    assert [answer.status_code for answer in answers] == [200, 200]
    assert await onboarding(client) == {"required": False, "fields": []}
    assert (await client.get("/api/users/me")).json()["name"] in names


async def test_a_refused_patch_does_not_complete_the_profile(open_app: RunningApp) -> None:
    client = await newcomer(open_app)
    assert field_errors(await client.patch("/api/users/me", json={"name": ""})) == {"name": "too_short"}
    answer = await client.patch("/api/users/me", json={"name": "Grace", "platformRole": "admin"})
    assert field_errors(answer) == {"platformRole": "unknown_field"}
    assert await onboarding(client) == {"required": True, "fields": ["name"]}


async def test_onboarding_ends_only_with_every_required_field(phone_app: RunningApp) -> None:
    client = await newcomer(phone_app)
    assert await onboarding(client) == {"required": True, "fields": ["name", "phone"]}
    await client.patch("/api/users/me", json={"name": "Grace"})
    assert await onboarding(client) == {"required": True, "fields": ["phone"]}
    await client.patch("/api/users/me", json={"phone": "+4915112345678"})
    assert await onboarding(client) == {"required": False, "fields": []}


async def test_two_concurrent_patches_of_different_fields_complete_the_profile(phone_app: RunningApp) -> None:
    client = await newcomer(phone_app)
    sent = [{"name": "Grace"}, {"phone": "+4915112345678"}]
    await at_once(2, lambda number: client.patch("/api/users/me", json=sent[number]))
    assert await onboarding(client) == {"required": False, "fields": []}


async def test_a_sign_up_with_every_required_field_needs_no_onboarding(phone_app: RunningApp) -> None:
    client = await newcomer(phone_app, name="Grace", phone="+4915112345678")
    assert await onboarding(client) == {"required": False, "fields": []}


async def test_clearing_a_required_field_later_does_not_start_onboarding_again(phone_app: RunningApp) -> None:
    client = await newcomer(phone_app, name="Grace", phone="+4915112345678")
    assert (await client.patch("/api/users/me", json={"phone": None})).status_code == 200
    assert await onboarding(client) == {"required": False, "fields": []}


async def test_an_invited_user_who_signs_in_by_mail_completes_the_profile_first(app: RunningApp) -> None:
    await app.invitation(ADDRESS)
    client = app.client()
    assert (await redeem(client, token=token_in(await mailed(app, "sign_in", ADDRESS)))).status_code == 201
    assert await onboarding(client) == {"required": True, "fields": ["name"]}
    await client.patch("/api/users/me", json={"name": "Grace"})
    assert (await client.get("/api/languages")).status_code == 200


async def test_required_fields_that_an_invitation_does_not_need_stay_required_after_it(phone_app: RunningApp) -> None:
    client = phone_app.client()
    assert (await redeem(client, token=await phone_app.invitation(ADDRESS), name="Grace")).status_code == 201
    assert await onboarding(client) == {"required": True, "fields": ["phone"]}
    assert (await client.patch("/api/users/me", json={"phone": "+12155550123"})).status_code == 200
    assert await onboarding(client) == {"required": False, "fields": []}


async def test_the_first_platform_admin_completes_the_profile_too(phone_app: RunningApp) -> None:
    client = phone_app.client()
    setup = {"token": await phone_app.setup_token(), "email": ADDRESS, "name": "Grace"}
    assert (await redeem(client, **setup)).status_code == 201
    assert await onboarding(client) == {"required": True, "fields": ["phone"]}
    assert problem(await client.get("/api/languages"))["code"] == "onboarding_required"


async def test_a_blank_name_is_refused(open_app: RunningApp) -> None:
    client = await newcomer(open_app)
    assert field_errors(await client.patch("/api/users/me", json={"name": " \t"})) == {"name": "invalid"}
