"""The policy, audit events and jobs in the console over plain HTTP, without scripts."""

from uuid import UUID, uuid4

import pytest

from tests.integration.pages.test_admin_users import console_of, followed
from tests.support.app import RunningApp
from tests.support.pages import text_of_page


async def test_the_table_explains_why_a_person_may_not(app: RunningApp) -> None:
    browser = await console_of(app)
    await app.language("de")
    await app.user("ada@example.org")
    assert "Who may do what" in text_of_page(await browser.get("/admin/policy"))
    asked = {"email": "ada@example.org", "action": "read", "subjectType": "Language", "id": "de", "field": ""}
    page = await browser.post("/admin/policy", data=asked)
    assert page.status_code == 200
    assert "No, they may not. No line allows it." in text_of_page(page)
    assert 'value="ada@example.org"' in page.text
    asked |= {"email": "root@example.org"}
    assert "Yes, they may. Line 1 decides." in text_of_page(await browser.post("/admin/policy", data=asked))
    unknown = await browser.post("/admin/policy", data=asked | {"email": "nobody@example.org"})
    assert unknown.status_code == 404


@pytest.mark.parametrize(
    ("query", "status"), [("action=language.create", 200), ("actor=bob", 422), ("subject=%00", 200)]
)
async def test_events_are_filtered(app: RunningApp, query: str, status: int) -> None:
    browser = await console_of(app)
    await browser.post("/admin/languages/new", data={"code": "de", "name": "German"})
    page = await browser.get(f"/admin/audit?{query}")
    assert page.status_code == status
    assert ("<code>language:de</code>" in page.text) is (status == 200)


async def test_long_lists_go_on_where_they_end(app: RunningApp) -> None:
    browser = await console_of(app)
    for number in range(51):
        await app.user(f"user{number}@example.org", name=f"User {number:02}")
    first = await browser.get("/admin/users?search=user&status=active&role=")
    assert "User 49" in first.text
    assert "User 50" not in first.text
    link = first.text.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")
    assert "search=user&status=active" in link
    second = await browser.get(link)
    assert "User 50" in second.text
    assert "User 49" not in second.text


async def failed_job(app: RunningApp) -> UUID:
    """A job that has failed for good, whose error has something of HTML."""
    job_id = uuid4()
    await app.execute(
        "INSERT INTO jobs (id, kind, state, payload, attempts, error, due_at, created_at, finished_at)"
        " VALUES ($1, 'send_mail', 'dead', '{}', 5, 'refused <script>', $2, $2, $2)",
        job_id,
        app.clock(),
    )
    return job_id


async def test_a_failed_job_is_tried_again(app: RunningApp) -> None:
    browser = await console_of(app)
    job_id = await failed_job(app)
    page = await browser.get("/admin/jobs")
    assert "refused &lt;script&gt;" in page.text
    retried = await browser.post(f"/admin/jobs/{job_id}/retry?state=dead")
    assert retried.headers["location"] == "/admin/jobs?state=dead"
    assert "The job is tried again now." in await followed(browser, retried)
