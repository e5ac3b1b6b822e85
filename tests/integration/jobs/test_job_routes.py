"""Jobs over HTTP: platform admins see what waits and what has failed, and have it tried again."""

from datetime import timedelta
from uuid import UUID

import httpx
import pytest

from app.jobs.models import STATES
from app.jobs.worker import PermanentError, TemporaryError
from tests.support.app import RunningApp, items, pages, problem
from tests.support.fake_jobs import FakeHandler, enqueue, fake_worker
from tests.support.mailbox import ask
from tests.support.run_jobs import drain

PATH = "/api/jobs"
UNKNOWN_ID = "01890000-0000-7000-8000-000000000000"


async def dead_job(app: RunningApp, reason: str = "no such mailbox") -> UUID:
    """A job whose only attempt has failed for good."""
    job_id = await enqueue(app)
    await drain(fake_worker(app, FakeHandler(PermanentError(reason))))
    return job_id


async def admin_of(app: RunningApp) -> httpx.AsyncClient:
    return await app.signed_in("root@example.org", admin=True)


async def test_a_platform_admin_lists_the_jobs_that_are_not_done_newest_first(app: RunningApp) -> None:
    admin = await admin_of(app)
    await enqueue(app)
    await drain(fake_worker(app, FakeHandler()))
    dead, waiting = await dead_job(app), await enqueue(app)
    assert [job["id"] for job in await items(admin, PATH)] == [str(waiting), str(dead)]
    now = app.clock().isoformat().replace("+00:00", "Z")
    assert (await items(admin, PATH, state="dead")) == [
        {
            "id": str(dead),
            "kind": "fake",
            "state": "dead",
            "attempts": 1,
            "error": "no such mailbox",
            "retryable": True,
            "createdAt": now,
            "dueAt": (await items(admin, PATH, state="dead"))[0]["dueAt"],
            "expiresAt": None,
            "finishedAt": now,
        }
    ]


@pytest.mark.parametrize("state", STATES)
async def test_the_list_has_the_jobs_of_one_state(app: RunningApp, state: str) -> None:
    admin = await admin_of(app)
    await enqueue(app)
    await drain(fake_worker(app, FakeHandler()))
    await dead_job(app)
    for _ in range(2):
        await enqueue(app)
    await app.resources.database.pool.execute(
        "UPDATE jobs SET state = 'running' WHERE id = (SELECT max(id::text)::uuid FROM jobs WHERE state = 'queued')"
    )
    assert [job["state"] for job in await items(admin, PATH, state=state)] == [state]


async def test_the_list_has_pages(app: RunningApp) -> None:
    admin = await admin_of(app)
    made = [str(await enqueue(app)) for _ in range(5)]
    listed = await pages(admin, PATH, limit=2)
    assert [[job["id"] for job in page] for page in listed] == [made[4:2:-1], made[2:0:-1], made[:1]]


async def test_an_unknown_state_is_refused(app: RunningApp) -> None:
    assert (await (await admin_of(app)).get(PATH, params={"state": "lost"})).status_code == 422


async def test_a_dead_job_is_tried_again_from_the_first_attempt(app: RunningApp) -> None:
    job_id = await dead_job(app)
    app.clock.forward(days=3)
    admin = await admin_of(app)
    answer = await admin.post(f"{PATH}/{job_id}/retry")
    assert (answer.status_code, answer.json()["state"], answer.json()["attempts"]) == (200, "queued", 0)
    handler = FakeHandler()
    await drain(fake_worker(app, handler))
    assert handler.job_ids == [job_id]
    event = (await items(admin, "/api/audit-events", action="job.retry"))[0]
    assert (event["subject"], event["detail"]) == (f"job:{job_id}", {"kind": "fake"})


async def test_a_waiting_job_is_tried_at_once(app: RunningApp) -> None:
    admin, job_id = await admin_of(app), await enqueue(app)
    await fake_attempt(app)
    before = (await items(admin, PATH))[0]
    assert before["dueAt"] > app.clock().isoformat()
    after = (await admin.post(f"{PATH}/{job_id}/retry")).json()
    assert (after["attempts"], after["dueAt"][:19]) == (0, app.clock().isoformat()[:19])


async def fake_attempt(app: RunningApp) -> None:
    """One failed attempt at the waiting job."""
    await drain(fake_worker(app, FakeHandler(TemporaryError("later"))))


@pytest.mark.parametrize("kind", ["done", "expired"])
async def test_a_job_that_cannot_run_again_is_refused(app: RunningApp, kind: str) -> None:
    admin = await admin_of(app)
    if kind == "done":
        job_id = await enqueue(app)
        await drain(fake_worker(app, FakeHandler()))
    else:
        job_id = await enqueue(app, timedelta(minutes=1))
        app.clock.forward(minutes=1)
        await drain(fake_worker(app, FakeHandler()))
    refused = await admin.post(f"{PATH}/{job_id}/retry")
    assert (refused.status_code, problem(refused)["code"]) == (409, "job_not_retryable")
    listed = await items(admin, PATH, state="done" if kind == "done" else "dead")
    assert [job["retryable"] for job in listed] == [False]
    assert problem(refused)["params"] == {"reason": kind}


async def test_a_job_that_the_service_schedules_is_told_to_run_by_itself(app: RunningApp) -> None:
    admin = await admin_of(app)
    await drain(app.worker)
    (job_id,) = [job["id"] for job in await items(admin, PATH) if job["kind"] == "clean_up"]
    texts = {
        language: problem(await admin.post(f"{PATH}/{job_id}/retry", headers={"Accept-Language": language}))["text"]
        for language in ("en", "de")
    }
    assert texts == {
        "en": "This task runs by itself at its time. There is nothing to try again.",
        "de": "Diese Aufgabe läuft zu ihrer Zeit von selbst. Es gibt nichts noch einmal zu versuchen.",
    }


async def test_an_unknown_job_is_not_found(app: RunningApp) -> None:
    assert (await (await admin_of(app)).post(f"{PATH}/{UNKNOWN_ID}/retry")).status_code == 404


async def test_the_list_shows_neither_whom_a_mail_goes_to_nor_what_is_in_it(app: RunningApp) -> None:
    admin = await admin_of(app)
    await app.user()
    await ask(app.client(), "sign_in")
    app.clock.forward(seconds=1)
    await drain(app.worker)
    reply = "550 <ada@example.org>: see https://mx.example/?a=ada%40example.org osk_abc 12345678"
    await app.resources.database.pool.execute(
        "UPDATE jobs SET state = 'dead', finished_at = now(), error = $1, "
        "payload = coalesce(payload, '\\x00') WHERE kind = 'mail'",
        reply,
    )
    (job,) = [job for job in await items(admin, PATH) if job["kind"] == "mail"]
    assert job["error"] == "550 <…@example.org>: see … … …"
    assert "ada" not in str(job)
    assert "payload" not in job


async def test_nobody_else_sees_or_retries_jobs(app: RunningApp) -> None:
    job_id = await dead_job(app)
    user = await app.signed_in()
    assert (await user.get(PATH)).status_code == 403
    assert (await user.post(f"{PATH}/{job_id}/retry")).status_code == 403
    assert (await app.client().get(PATH)).status_code == 401
