"""Audit events: every change that matters for security leaves one, in the transaction of the change."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from app.audit import OPERATOR, record
from app.domain.flows.administer_users import create_user_with_link, set_platform_role
from app.domain.sessions.disowning import disowning_token
from app.domain.tokens.service import rotate_keys
from tests.support.app import CREDENTIALS, SECRET, RunningApp, field_errors, id_of, items, pages
from tests.support.audit_actions import AUDIT_ACTIONS
from tests.support.mailbox import ask, code_in, mailed, redeem, token_in
from tests.support.worlds import DEAD_JOB

PATH = "/api/audit-events"
NEW_SECRET = "nine gulls above the north pier"
EVE = {"name": "Eve", "secret": SECRET}


@pytest.fixture
async def root(app: RunningApp) -> httpx.AsyncClient:
    """The first platform admin, created with the setup link."""
    client = app.client(ip="203.0.113.7")
    setup = {"token": await app.setup_token(), "email": "root@example.org", **EVE}
    assert (await redeem(client, **setup)).status_code == 201
    return client


async def events(client: httpx.AsyncClient, **filters: str | int) -> list[dict[str, Any]]:
    """The events that match the filters, newest first."""
    return await items(client, PATH, **filters)


async def actions(client: httpx.AsyncClient, **filters: str | int) -> list[str]:
    """The actions of the events that match the filters, oldest first."""
    return [event["action"] for event in reversed(await events(client, **filters))]


async def test_an_event_has_action_subject_actor_session_and_ip(app: RunningApp, root: httpx.AsyncClient) -> None:
    ada = await app.user()
    await root.post(f"/api/users/{ada}/suspension", json={"reason": "Spam"})
    (event,) = await events(root, action="user.suspend")
    session = (await root.get("/api/session")).json()["session"]
    assert event.pop("at")
    assert event.pop("id")
    assert event == {
        "action": "user.suspend", "subject": f"user:{ada}", "actorId": await id_of(root), "sessionId": session["id"],
        "keyId": None,
        "ip": "203.0.113.7", "detail": {},
    }  # fmt: skip


async def test_a_sign_in_is_an_event_whose_actor_is_the_user(app: RunningApp, root: httpx.AsyncClient) -> None:
    ada = await app.user()
    client = app.client(ip="203.0.113.9")
    session = (await client.post("/api/session", json=CREDENTIALS)).json()["session"]["id"]
    (event,) = await events(root, subject=f"user:{ada}")
    assert (event["action"], event["detail"]) == ("session.start", {"method": "password"})
    assert (event["actorId"], event["sessionId"], event["ip"]) == (str(ada), session, "203.0.113.9")


async def test_a_key_leaves_events_when_it_is_issued_used_and_voided(app: RunningApp, root: httpx.AsyncClient) -> None:
    """The first verification of an address also clears a secret that was set before."""
    ada = await app.user()
    first = await mailed(app, "sign_in")
    app.clock.forward(minutes=1)
    await redeem(app.client(), token=token_in(await mailed(app, "password_reset")), secret=NEW_SECRET)
    assert (await redeem(app.client(), token=token_in(first))).status_code == 410
    recorded = [
        (event["action"], event["detail"].get("purpose")) for event in await events(root, subject=f"user:{ada}")
    ]
    assert recorded[::-1] == [
        ("key.issue", "sign_in"), ("key.issue", "password_reset"), ("key.use", "password_reset"),
        ("key.clear_secret", None), ("key.set_secret", None), ("key.revoke", "sign_in"), ("session.start", None),
    ]  # fmt: skip


async def test_a_key_that_a_job_issues_has_the_requesting_user_as_actor(
    app: RunningApp, root: httpx.AsyncClient
) -> None:
    ada = await app.signed_in()
    assert (await ask(ada, "email_change", "lovelace@example.org")).status_code == 202
    await app.mails()
    (event,) = await events(root, action="key.issue", actorId=await id_of(ada))
    assert (event["detail"], event["ip"]) == ({"purpose": "email_change"}, "127.0.0.1")


async def test_an_event_of_a_command_has_no_actor(app: RunningApp, root: httpx.AsyncClient) -> None:
    ada = await app.user()
    await root.post("/api/languages", json={"code": "de", "name": "German"})
    await set_platform_role(OPERATOR, app.resources, ada, "admin")
    (event,) = await events(root, subject=f"user:{ada}")
    assert (event["action"], event["actorId"], event["ip"]) == ("user.grant_admin", None, None)


async def test_a_refused_or_rolled_back_change_leaves_no_event(app: RunningApp, root: httpx.AsyncClient) -> None:
    before = await actions(root)
    assert (await root.delete(f"/api/users/{await id_of(root)}")).status_code == 409
    async with app.resources.database.transaction() as transaction:
        await record(OPERATOR, transaction, "user.delete", "user:x")
        await transaction.rollback()
    assert await actions(root) == before


async def test_a_request_that_changes_nothing_leaves_no_event(app: RunningApp, root: httpx.AsyncClient) -> None:
    ada = f"/api/users/{await app.user()}"
    before = await actions(root)
    for method, path, body in (
        ("DELETE", "/suspension", None), ("PUT", "/platform-role", {"role": None}),
    ):  # fmt: skip
        assert (await root.request(method, ada + path, json=body)).status_code == 204
    assert await actions(root) == before


async def test_creating_an_admin_by_a_command_leaves_events_without_an_actor(
    app: RunningApp, root: httpx.AsyncClient
) -> None:
    await create_user_with_link(OPERATOR, app.resources, "eve@example.org", "", "admin")
    events_of_eve = (await events(root))[:3]
    assert {event["action"] for event in events_of_eve} == {"user.create", "user.grant_admin", "key.issue"}
    assert {event["actorId"] for event in events_of_eve} == {None}


async def test_every_documented_action_is_recorded(app: RunningApp, root: httpx.AsyncClient) -> None:
    ada = await app.signed_in()
    user = f"/api/users/{await id_of(ada)}"
    await root.post("/api/languages", json={"code": "de", "name": "German"})
    members = "/api/languages/de/members"
    await root.post(members, json={"email": "ada@example.org"})
    await root.put(f"{members}/{await id_of(ada)}", json={"roles": ["admin"]})
    await ada.delete(f"{members}/me")
    await root.post(members, json={"email": "eve@example.org"})
    eve = (await items(root, members))[0]["userId"]
    await root.delete(f"{members}/{eve}")
    await root.patch("/api/languages/de", json={"name": "High German"})
    await root.delete("/api/languages/de")
    await ada.patch("/api/users/me", json={"name": "Ada L."})
    other = app.with_cookie(await app.token(UUID(await id_of(ada))))
    session = (await other.get("/api/session")).json()["session"]
    token = disowning_token(app.resources, UUID(session["userId"]), UUID(session["id"]))
    assert (await app.client().post("/api/sessions/disown", json={"token": token})).status_code == 200

    await ask(ada, "email_change", "lovelace@example.org")
    (message,) = [mail for mail in await app.mails() if mail["To"] == "lovelace@example.org"]
    await redeem(ada, purpose="email_change", email="lovelace@example.org", code=code_in(message))
    *_, undo = [mail for mail in await app.mails() if mail["To"] == "ada@example.org"]
    assert (await redeem(app.client(), token=token_in(undo))).status_code == 201

    assert (await root.put("/api/keys/primary/secret", json={"secret": NEW_SECRET})).status_code == 204
    for method, path, body in (
        ("DELETE", "/sessions", None), ("PUT", "/platform-role", {"role": "admin"}),
        ("PUT", "/platform-role", {"role": None}), ("POST", "/suspension", {}), ("DELETE", "/suspension", None),
        ("DELETE", "", None),
    ):  # fmt: skip
        assert (await root.request(method, user + path, json=body)).status_code == 204
    for _ in range(2):
        await rotate_keys(OPERATOR, app.resources, at_once=True)
    account = (await root.post("/api/service-accounts", json={"name": "Export"})).json()["id"]
    keys = f"/api/service-accounts/{account}/keys"
    key = (await root.post(keys, json={"name": "Build", "expiresIn": 60})).json()["id"]
    assert (await root.delete(f"{keys}/{key}")).status_code == 204
    job_id = uuid4()
    await app.resources.database.pool.execute(DEAD_JOB, job_id, app.clock())
    assert (await root.post(f"/api/jobs/{job_id}/retry")).status_code == 200
    assert set(await actions(root)) == set(AUDIT_ACTIONS)


async def test_events_are_listed_newest_first_page_by_page(app: RunningApp, root: httpx.AsyncClient) -> None:
    for code in ("da", "de", "fi"):
        await app.language(code)
    found = await pages(root, PATH, action="language.create", limit=2)
    assert [[event["subject"] for event in page] for page in found] == [["language:fi", "language:de"], ["language:da"]]


async def test_the_events_of_a_language_are_found_by_its_code_in_any_case(
    app: RunningApp, root: httpx.AsyncClient
) -> None:
    await app.language("pt-BR")
    found = await root.get(PATH, params={"subject": "language:PT-br"})
    assert [event["action"] for event in found.json()["items"]] == ["language.create"]


@pytest.mark.parametrize(
    ("name", "value"), [("action", "DROP"), ("subject", "nobody"), ("actorId", "me"), ("limit", "0"), ("cursor", "x")]
)
async def test_a_malformed_filter_is_a_422(root: httpx.AsyncClient, name: str, value: str) -> None:
    assert field_errors(await root.get(PATH, params={name: value})).keys() == {name}
