"""Onboarding bypass: users call other routes before completing the profile, or complete it without required fields."""

import httpx
import pytest

from tests.support.app import RunningApp, field_errors, problem
from tests.support.mailbox import ask


@pytest.fixture
async def newcomer(app: RunningApp) -> httpx.AsyncClient:
    """A platform admin and language admin without a name, so that their roles have no effect yet."""
    await app.language()
    user_id = await app.user(admin=True, onboarded=False, name="")
    await app.member(user_id, "de", "admin", "translator")
    return app.with_cookie(await app.token(user_id, admin=True))


async def _onboarding(client: httpx.AsyncClient) -> object:
    return (await client.get("/api/session")).json()["onboarding"]


async def test_every_other_route_is_refused_before_onboarding_whatever_the_roles(
    app: RunningApp, newcomer: httpx.AsyncClient
) -> None:
    other = await app.user("eve@example.org")
    refused = [
        await newcomer.get("/api/users"),
        await newcomer.get(f"/api/users/{other}"),
        await newcomer.patch(f"/api/users/{other}", json={"name": "Mallory"}),
        await newcomer.delete(f"/api/users/{other}"),
        await newcomer.put("/api/users/me/platform-role", json={"role": "admin"}),
        await newcomer.get("/api/languages/de"),
        await newcomer.get("/api/languages/de/members"),
        await newcomer.post("/api/languages/de/members", json={"email": "x@example.org", "roles": ["admin"]}),
        await newcomer.put("/api/languages/de/translations/a", json={"text": "x"}),
        await newcomer.put("/api/keys/primary/secret", json={"secret": "nine quiet herons over water"}),
        await newcomer.get("/api/sessions"),
        await ask(newcomer, "email_change", "new@example.org"),
    ]

    assert [problem(answer)["code"] for answer in refused] == ["onboarding_required"] * len(refused)
    assert await app.mails() == []


@pytest.mark.parametrize("field", ["onboardedAt", "status", "platformRole", "email", "emailVerifiedAt"])
async def test_only_fields_of_the_profile_can_be_set_before_onboarding(newcomer: httpx.AsyncClient, field: str) -> None:
    answer = await newcomer.patch("/api/users/me", json={"name": "Ada", field: "admin"})

    assert field_errors(answer) == {field: "unknown_field"}
    assert await _onboarding(newcomer) == {"required": True, "fields": ["name"]}


@pytest.mark.parametrize("change", [{}, {"locale": "de"}, {"phone": "+4915112345678"}, {"name": ""}, {"name": None}])
async def test_onboarding_does_not_end_without_the_required_field(
    newcomer: httpx.AsyncClient, change: dict[str, str | None]
) -> None:
    await newcomer.patch("/api/users/me", json=change)

    assert await _onboarding(newcomer) == {"required": True, "fields": ["name"]}
    assert problem(await newcomer.get("/api/languages"))["code"] == "onboarding_required"
