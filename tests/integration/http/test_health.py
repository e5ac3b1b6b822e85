"""Health: live while the process answers, ready while the database does too, and 503 while it is away."""

from pathlib import Path

from app.postgres import migrate
from app.postgres.database import Database
from app.postgres.embedded import embedded_postgres
from tests.support.app import (
    CREDENTIALS,
    Clock,
    RunningApp,
    is_signed_in,
    keeps_nothing,
    problem,
    running,
    settings_for,
    until,
)


async def test_a_healthy_service_is_live_and_ready(app: RunningApp) -> None:
    for path in ("/health/live", "/health/ready"):
        response = await app.client().get(path)
        assert (response.status_code, response.json()) == (200, {"status": "ok"})


async def test_while_the_database_is_away_the_service_lives_and_answers_503(tmp_path: Path) -> None:
    server = embedded_postgres(tmp_path)
    url = server.__enter__()
    async with Database(url, 2).connected() as database:
        await migrate.upgrade(database.engine)
    async with running(settings_for(url), Clock()) as app:
        client, anonymous = await app.signed_in(), app.client()
        assert (await anonymous.get("/health/ready")).status_code == 200
        server.__exit__(None, None, None)

        assert (await anonymous.get("/health/live")).status_code == 200
        assert not await is_signed_in(anonymous)
        await until(lambda: keeps_nothing(app))
        for answer in (
            await anonymous.get("/health/ready"),
            await anonymous.post("/api/session", json=CREDENTIALS),
            await client.get("/api/session"),
        ):
            assert problem(answer)["code"] == "temporarily_unavailable"
            assert answer.headers["retry-after"] == "5"

        with embedded_postgres(tmp_path):
            assert (await anonymous.get("/health/ready")).status_code == 200
            assert await is_signed_in(client)
            assert (await client.delete("/api/sessions")).status_code == 204
