"""Addresses under `.test`, which never receive mail: for development only."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.support.app import RunningApp, field_errors, running, settings_for
from tests.support.mailbox import redeem

PRODUCTION = {
    "ENVIRONMENT": "production",
    "PUBLIC_URL": "https://auth.example.org",
    "MAIL_URL": "smtp://127.0.0.1:1",
    "MAIL_FROM": "no-reply@example.org",
    "ARGON2_MEMORY_KIB": "19456",
    "ARGON2_ITERATIONS": "2",
}
ENTRANCES = [
    ("/api/users", {"name": "Eve"}),
    ("/api/languages/de/members", {}),
    ("/api/keys", {"purpose": "sign_in"}),
    ("/api/keys", {"purpose": "email_change"}),
]


@pytest.fixture
async def production(app: RunningApp, database_url: str) -> AsyncIterator[RunningApp]:
    """The service in production, on the database and clock of the fixture `app`."""
    async with running(settings_for(database_url, **PRODUCTION), app.clock) as started:
        yield started


async def admin_of(app: RunningApp) -> httpx.AsyncClient:
    """A platform admin, who calls with a bearer token."""
    await app.language("de")
    token = await app.token(await app.user(admin=True, secret=None), admin=True)
    return app.client(Authorization=f"Bearer {token}", Origin=app.settings.public_url)


async def test_production_refuses_an_address_under_test_at_every_entrance(production: RunningApp) -> None:
    admin = await admin_of(production)
    for path, body in ENTRANCES:
        for address in ("eve@mail.test", "eve@foo.example"):
            answer = await admin.post(path, json={"email": address, **body})
            assert field_errors(answer) == {"email": "invalid_email"}, (path, body)


async def test_production_refuses_an_address_under_test_for_the_first_admin(production: RunningApp) -> None:
    sent = {"email": "eve@mail.test", "name": "Eve", "secret": "seven lamps on a quiet harbour"}
    answer = await redeem(
        production.client(Origin=PRODUCTION["PUBLIC_URL"]), token=await production.setup_token(), **sent
    )
    assert field_errors(answer) == {"email": "invalid_email"}


@pytest.mark.parametrize(("path", "body"), ENTRANCES)
async def test_development_takes_an_address_under_test(app: RunningApp, path: str, body: dict[str, str]) -> None:
    answer = await (await admin_of(app)).post(path, json={"email": "eve@mail.test", **body})
    assert answer.is_success, answer.text
