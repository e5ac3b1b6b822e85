"""API keys in logs, errors and tables: a reader of one of them calls as the program."""

from structlog.testing import capture_logs

from app.audit import OPERATOR
from app.domain.service_accounts.schemas import NewApiKey
from app.domain.service_accounts.service import create_api_key
from tests.support.app import RunningApp, running, settings_for


async def test_keys_are_neither_logged_nor_echoed(app: RunningApp, database_url: str) -> None:
    settings = settings_for(database_url, ACCESS_LOG="on", API_KEY_REQUESTS_PER_MINUTE="4")
    async with running(settings, app.clock) as logged:
        with capture_logs() as logs:
            admin = await logged.signed_in(admin=True)
            account_id = (await admin.post("/api/service-accounts", json={"name": "Export"})).json()["id"]
            path = f"/api/service-accounts/{account_id}/keys"
            made = await admin.post(path, json={"name": "Build", "expiresIn": 60})
            key = made.json()["token"]
            program = logged.with_key(key)
            answers = [
                await program.get("/api/session"),
                await program.post("/api/session", json={"method": "password", "email": "a@b.org", "secret": key}),
                await program.get("/api/users", params={"search": key}),
                await program.get(f"/api/users/{key[:20]}"),
                await program.get("/api/session"),  # past the limit
                await logged.with_key(f"{key}x").get("/api/users/me"),
                await logged.client().post("/api/keys/redeem", json={"token": key}),
                await admin.get(path),
                await admin.get("/api/audit-events"),
            ]
            requests = await logged.access_log()

    assert [answer.status_code for answer in answers] == [200, 403, 403, 403, 429, 401, 422, 200, 200]
    text = str([*logs, *requests, *[answer.text for answer in answers], *[answer.headers for answer in answers]])
    assert requests
    assert key[8:] not in text
    assert made.headers["cache-control"] == "no-store"


async def test_no_table_holds_a_key(app: RunningApp) -> None:
    key = await app.api_key(await app.service_account())
    await app.with_key(key).get("/api/session")
    await app.sessions.flush()
    tables = await app.resources.database.pool.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    for (table,) in tables:
        rows = await app.resources.database.pool.fetch(f'SELECT t::text AS row FROM "{table}" t')  # noqa: S608 # names from the catalogue
        assert key[8:] not in "\n".join(row["row"] for row in rows)


async def test_what_holds_a_key_does_not_show_it(app: RunningApp) -> None:
    made = await create_api_key(OPERATOR, app.resources, await app.service_account(), NewApiKey("Build", 60))
    assert made.token[8:] not in repr(made)
