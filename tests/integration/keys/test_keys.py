"""Keys over HTTP: signing in with a secret, setting the secret, listing and deleting keys."""

from datetime import timedelta
from uuid import UUID

import pytest

from app.auth.tokens import new_link_token, token_hash
from app.domain.keys.single_use_repository import SingleUseKeyRepository
from tests.support.app import (
    CREDENTIALS,
    SECRET,
    Clock,
    RunningApp,
    field_errors,
    is_signed_in,
    problem,
    running,
    settings_for,
)
from tests.support.races import at_once

NEW_SECRET = "nine gulls above the north pier"
UNKNOWN_ID = "01890000-0000-7000-8000-000000000000"


def credentials(email: str = "ada@example.org", secret: str = SECRET) -> dict[str, str]:
    return {**CREDENTIALS, "email": email, "secret": secret}


async def issue_link(app: RunningApp, user_id: UUID, purpose: str = "invitation") -> None:
    """Issue a single-use key of the user, which expires after 1 hour."""
    async with app.resources.database.transaction() as transaction:
        await SingleUseKeyRepository(transaction).issue(
            purpose=purpose,
            address=f"{user_id}@example.org",
            user_id=user_id,
            token_hash=token_hash(new_link_token()),
            code_hash=None,
            attempts=None,
            payload={},
            now=app.clock(),
            expires_at=app.clock() + timedelta(hours=1),
        )


async def stored_hash(app: RunningApp) -> str:
    """The hash of the only primary key."""
    return str(await app.resources.database.pool.fetchval("SELECT secret_hash FROM keys WHERE kind = 'primary'"))


@pytest.mark.parametrize("email", ["ada@example.org", " ADA@Example.ORG "])
async def test_any_spelling_of_the_address_signs_in(app: RunningApp, email: str) -> None:
    await app.user()
    assert (await app.client().post("/api/session", json=credentials(email))).status_code == 201


async def test_composed_and_decomposed_characters_are_the_same_secret(app: RunningApp) -> None:
    await app.user(secret="caf\u00e9 at the old harbour")
    body = credentials(secret="cafe\u0301 at the old harbour")
    assert (await app.client().post("/api/session", json=body)).status_code == 201


async def test_signing_in_sets_last_used_at_of_the_key(app: RunningApp) -> None:
    await app.user()
    app.clock.forward(days=1)
    await app.client().post("/api/session", json=credentials())
    used = await app.resources.database.pool.fetchval("SELECT last_used_at FROM keys")
    assert used == app.clock()


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        (credentials(email="ada"), {"email": "invalid_email"}),
        (credentials(secret="é" * 600), {"secret": "too_long"}),
        (credentials(secret="x" * 2001), {"secret": "too_long"}),
        (credentials(email="a" * 1001), {"email": "too_long"}),
        ({"method": "code", "email": "ada@example.org"}, {"code": "missing"}),
        ({"method": "link"}, {"token": "missing"}),
        ({"method": "fax", "email": "ada@example.org"}, {"method": "invalid"}),
        ({"email": "ada@example.org", "secret": "x"}, {"method": "missing"}),
    ],
)
async def test_malformed_credentials_are_a_422(app: RunningApp, body: dict[str, str], errors: dict[str, str]) -> None:
    assert field_errors(await app.client().post("/api/session", json=body)) == errors


async def test_a_hash_of_weaker_parameters_is_replaced_at_sign_in(app: RunningApp, database_url: str) -> None:
    await app.user()
    assert "$m=8,t=1,p=1$" in await stored_hash(app)
    stronger = settings_for(database_url, ARGON2_MEMORY_KIB="16", ARGON2_ITERATIONS="2")
    async with running(stronger, Clock()) as other:
        assert (await other.client().post("/api/session", json=credentials())).status_code == 201
        rehashed = await stored_hash(app)
        assert "$m=16,t=2,p=1$" in rehashed
        assert (await other.client().post("/api/session", json=credentials())).status_code == 201
        assert await stored_hash(app) == rehashed


async def test_a_user_lists_only_their_own_keys_without_hashes(app: RunningApp) -> None:
    user_id = await app.user()
    await app.user("eve@example.org")
    app.clock.forward(seconds=1)
    await issue_link(app, user_id)
    client = app.with_cookie(await app.token(user_id))
    response = await client.get("/api/keys")
    primary, link = response.json()["items"]
    assert (primary["kind"], primary["identifier"], primary["hasSecret"]) == ("primary", "ada@example.org", True)
    assert (link["kind"], link["identifier"], link["purpose"]) == ("single_use", None, "invitation")
    assert (primary["purpose"], primary["expiresAt"], link["hasSecret"]) == (None, None, False)
    assert "argon2" not in response.text


async def test_expired_keys_are_not_listed(app: RunningApp) -> None:
    user_id = await app.user()
    await issue_link(app, user_id)
    client = app.with_cookie(await app.token(user_id))
    app.clock.forward(hours=1)
    assert [key["kind"] for key in (await client.get("/api/keys")).json()["items"]] == ["primary"]


async def test_keys_are_paged(app: RunningApp) -> None:
    user_id = await app.user()
    await issue_link(app, user_id)
    client = app.with_cookie(await app.token(user_id))
    first = (await client.get("/api/keys", params={"limit": 1})).json()
    last = (await client.get("/api/keys", params={"limit": 1, "cursor": first["nextCursor"]})).json()
    assert [page["items"][0]["kind"] for page in (first, last)] == ["primary", "single_use"]
    assert last["nextCursor"] is None


async def test_a_secondary_key_can_be_deleted_and_the_primary_key_cannot(app: RunningApp) -> None:
    user_id = await app.user()
    await issue_link(app, user_id)
    client = app.with_cookie(await app.token(user_id))
    primary, link = (await client.get("/api/keys")).json()["items"]
    deleted = await client.delete(f"/api/keys/{link['id']}")
    assert (deleted.status_code, deleted.content) == (204, b"")
    refused = await client.delete(f"/api/keys/{primary['id']}")
    assert (refused.status_code, problem(refused)["code"]) == (409, "primary_key_required")
    assert [key["id"] for key in (await client.get("/api/keys")).json()["items"]] == [primary["id"]]


@pytest.mark.parametrize("ended", ["deleted", "expired"])
async def test_deleting_an_ended_key_again_changes_nothing(app: RunningApp, ended: str) -> None:
    user_id = await app.user()
    await issue_link(app, user_id)
    client = app.with_cookie(await app.token(user_id))
    _, link = (await client.get("/api/keys")).json()["items"]
    if ended == "deleted":
        await client.delete(f"/api/keys/{link['id']}")
    app.clock.forward(hours=1)
    rows = "SELECT used_at, end_reason, (SELECT count(*) FROM audit_events) FROM keys WHERE kind = 'single_use'"
    before = await app.resources.database.pool.fetchrow(rows)
    assert (await client.delete(f"/api/keys/{link['id']}")).status_code == 204
    assert await app.resources.database.pool.fetchrow(rows) == before


async def test_deleting_a_key_of_another_user_or_an_unknown_key_gets_the_same_answer(app: RunningApp) -> None:
    client, stranger = await app.signed_in(), await app.signed_in("eve@example.org")
    [theirs] = (await stranger.get("/api/keys")).json()["items"]
    admin = await app.signed_in("root@example.org", admin=True)
    for caller in (client, admin):
        answers = [await caller.delete(f"/api/keys/{name}") for name in (theirs["id"], UNKNOWN_ID)]
        assert [problem(answer)["code"] for answer in answers] == ["forbidden"] * 2


async def test_changing_the_secret_ends_all_other_sessions_and_voids_all_links(app: RunningApp) -> None:
    user_id = await app.user()
    client, elsewhere = [app.with_cookie(await app.token(user_id)) for _ in range(2)]
    await issue_link(app, user_id)
    old = client.cookies["auth_session"]

    response = await client.put("/api/keys/primary/secret", json={"secret": NEW_SECRET})
    assert (response.status_code, response.content) == (204, b"")
    assert "Max-Age=2592000" in response.headers["set-cookie"]
    assert client.cookies["auth_session"] != old
    assert await is_signed_in(client)
    assert not await is_signed_in(elsewhere)
    app.clock.forward(seconds=10)
    assert not await is_signed_in(app.with_cookie(old))
    assert len((await client.get("/api/keys")).json()["items"]) == 1
    signed_in = [
        (await app.client().post("/api/session", json=credentials(secret=secret))).status_code
        for secret in (SECRET, NEW_SECRET)
    ]
    assert signed_in == [401, 201]


async def test_a_user_without_a_secret_can_set_one(app: RunningApp) -> None:
    client = app.with_cookie(await app.token(await app.user(secret=None)))
    assert not (await client.get("/api/keys")).json()["items"][0]["hasSecret"]
    assert (await client.put("/api/keys/primary/secret", json={"secret": NEW_SECRET})).status_code == 204
    assert (await app.client().post("/api/session", json=credentials(secret=NEW_SECRET))).status_code == 201


@pytest.mark.parametrize(
    ("secret", "code"),
    [
        ("fourteen chars", "too_short"),
        ("x" * 129, "too_long"),
        ("ada@example.org", "derived_secret"),
        ("1234567890qwerty", "too_guessable"),
    ],
)
async def test_a_refused_secret_changes_nothing(app: RunningApp, secret: str, code: str) -> None:
    client = await app.signed_in()
    assert field_errors(await client.put("/api/keys/primary/secret", json={"secret": secret})) == {"secret": code}
    assert await is_signed_in(client)
    assert (await app.client().post("/api/session", json=credentials())).status_code == 201


async def test_a_full_hashing_queue_is_a_503_with_retry_after(app: RunningApp, database_url: str) -> None:
    await app.user()
    one = settings_for(database_url, HASH_CONCURRENCY="1", HASH_QUEUE="2", ARGON2_MEMORY_KIB="4096")
    async with running(one, Clock()) as other:
        answers = await at_once(6, lambda _: other.client().post("/api/session", json=credentials()))
    refused = [answer for answer in answers if answer.status_code == 503]
    assert refused
    assert {(problem(answer)["code"], answer.headers["retry-after"]) for answer in refused} == {
        ("temporarily_unavailable", "1")
    }
    assert {answer.status_code for answer in answers} == {201, 503}


async def test_a_change_of_the_secret_mails_a_notice_to_the_user(app: RunningApp) -> None:
    ada = await app.signed_in()
    assert (await ada.put("/api/keys/primary/secret", json={"secret": NEW_SECRET})).status_code == 204
    (message,) = await app.mails()
    assert (message["To"], message["Subject"]) == ("ada@example.org", "Your password at Ostiary has changed")
