"""Every operation, called once with success, answers with a status that the OpenAPI document says, and no other."""

import json
from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID, uuid4

import httpx
import pytest

from app.asgi import build
from app.audit import Actor
from app.domain.languages.translations.schemas import NewText
from app.domain.languages.translations.service import write_translation
from app.domain.sessions.disowning import disowning_token
from app.http.preconditions import precondition_of_version
from tests.support.app import CREDENTIALS, SECRET, TOKEN_AUDIENCE, RunningApp, id_of, settings_for
from tests.support.mailbox import ask
from tests.support.worlds import DEAD_JOB

Values = dict[str, str]
DOCUMENT = build(settings_for("postgresql:///unused")).openapi_schema.to_schema()
OPERATIONS = {
    operation["operationId"]: (method.upper(), path, operation)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
}

# What an operation is sent, unless it takes no body. The address is one that a test may invite.
EVE = "eve@example.org"
BODIES: Mapping[str, object] = {
    "checkPermissions": {"checks": [{"action": "read", "subjectType": "Language"}]},
    "signIn": CREDENTIALS,
    "reauthenticate": {"method": "password", "secret": SECRET},
    "requestKey": {"purpose": "sign_in", "email": EVE},
    "inspectKey": {"token": "{token}"},
    "disownSession": {"token": "{token}"},
    "redeemKey": {"token": "{token}", "name": "Eve", "secret": SECRET, "switch": True},
    "setSecret": {"secret": "nine gulls above the north pier"},
    "createLanguage": {"code": "fi", "name": "Finnish"},
    "updateLanguage": {"name": "High German"},
    "issueToken": {"audience": TOKEN_AUDIENCE},
    "explainPolicy": {"email": "bob@example.org", "action": "read", "subjectType": "Language", "id": "de"},
    "createUser": {"email": EVE, "name": "Eve"},
    "updateUser": {"name": "Robert"},
    "setPlatformRole": {"role": "admin"},
    "createServiceAccount": {"name": "Export"},
    "createApiKey": {"name": "Build", "expiresIn": 3600},
    "suspendUser": {"reason": "Spam"},
    "addMember": {"email": EVE, "roles": ["translator"]},
    "setMemberRoles": {"roles": ["translator"]},
    "writeTranslation": {"text": "Moin"},
    "writeTranslations": {"items": [{"key": "farewell", "text": "Bye", "version": None}]},
}
HEADERS: Mapping[str, list[dict[str, str]]] = {
    "writeTranslation": [{"If-Match": '"1"'}, {"If-None-Match": "*"}],
    "deleteTranslation": [{"If-Match": '"1"'}],
    "getTranslation": [{}, {"If-None-Match": "*"}],
    "getSession": [{}, {"If-None-Match": "*"}],
    "getConfig": [{}, {"If-None-Match": "*"}],
}


async def invitation_token(app: RunningApp, _: httpx.AsyncClient) -> Values:
    return {"token": await app.invitation(EVE)}


async def invited_user(app: RunningApp, _: httpx.AsyncClient) -> Values:
    await app.invitation(EVE)
    return await id_of_eve(app)


async def invited_member(app: RunningApp, client: httpx.AsyncClient) -> Values:
    body = {"email": EVE, "roles": []}
    assert (await client.post("/api/languages/de/members", json=body)).status_code == 202
    return await id_of_eve(app)


async def id_of_eve(app: RunningApp) -> Values:
    return {"userId": str(await app.resources.database.pool.fetchval("SELECT id FROM users WHERE email = $1", EVE))}


async def dead_job(app: RunningApp, _: httpx.AsyncClient) -> Values:
    job_id = uuid4()
    await app.resources.database.pool.execute(DEAD_JOB, job_id, app.clock())
    return {"jobId": str(job_id)}


async def own_key(app: RunningApp, client: httpx.AsyncClient) -> Values:
    assert (await ask(client, "password_reset")).status_code == 202
    await app.mails()
    keys = (await client.get("/api/keys")).json()["items"]
    return {"keyId": next(key["id"] for key in keys if key["kind"] != "primary")}


async def other_session(app: RunningApp, client: httpx.AsyncClient) -> Values:
    await app.token(UUID(await id_of(client)), admin=True)
    sessions = (await client.get("/api/sessions")).json()["items"]
    return {"sessionId": next(session["id"] for session in sessions if not session["current"])}


async def service_account(app: RunningApp, _: httpx.AsyncClient) -> Values:
    account_id = await app.service_account()
    await app.api_key(account_id)
    key_id = await app.resources.database.pool.fetchval("SELECT id FROM keys WHERE user_id = $1", account_id)
    return {"accountId": str(account_id), "keyId": str(key_id)}


async def mailed_session(app: RunningApp, client: httpx.AsyncClient) -> Values:
    session = (await client.get("/api/session")).json()["session"]
    return {"token": disowning_token(app.resources, UUID(session["userId"]), UUID(session["id"]))}


# What must be there before an operation can succeed, beside Bob, German and its text `greeting`.
BEFORE: Mapping[str, Callable[[RunningApp, httpx.AsyncClient], Awaitable[Values]]] = {
    "inspectKey": invitation_token,
    "redeemKey": invitation_token,
    "disownSession": mailed_session,
    "resendUserInvitation": invited_user,
    "resendMemberInvitation": invited_member,
    "deleteKey": own_key,
    "endSession": other_session,
    "retryJob": dead_job,
    "getServiceAccount": service_account,
    "listApiKeys": service_account,
    "createApiKey": service_account,
    "revokeApiKey": service_account,
}


@pytest.mark.parametrize("operation_id", OPERATIONS)
async def test_an_operation_answers_the_statuses_that_the_document_says(app: RunningApp, operation_id: str) -> None:
    method, path, operation = OPERATIONS[operation_id]
    documented = {status: answer for status, answer in operation["responses"].items() if status != "default"}
    assert "requestBody" not in operation or operation_id in BODIES, f"give {operation_id} a body in BODIES"
    client, values = await world(app, operation_id)
    answered = set[str]()
    for number, headers in enumerate(HEADERS.get(operation_id, [{}])):
        filled = values | ({"key": "new"} if headers == {"If-None-Match": "*"} and method == "PUT" else {})
        body = json.loads(json.dumps(BODIES.get(operation_id)).replace("{token}", values.get("token", "")))
        answer = await client.request(method, path.format(**filled), json=body, headers=headers)
        status = str(answer.status_code)
        assert status in documented, f"{operation_id}, request {number}: {answer.status_code} {answer.text}"
        assert bool(answer.content) is ("content" in documented[status])
        answered.add(status)
    assert answered == documented.keys(), f"send {operation_id} what makes it answer these in HEADERS"


async def world(app: RunningApp, operation_id: str) -> tuple[httpx.AsyncClient, Values]:
    """A caller whom every guard lets pass, and values for path parameters."""
    await app.language("de")
    bob = await app.user("bob@example.org")
    await app.member(bob, "de", "translator")
    new = precondition_of_version(None)
    await write_translation(Actor(bob), app.resources, "de", "greeting", NewText(text="Hallo"), new)
    ada = await app.user(admin=True)
    await app.member(ada, "de", "translator", "admin")
    client = app.with_cookie(await app.token(ada, admin=True))
    values = {"languageCode": "de", "key": "greeting", "userId": str(bob)}
    if operation_id in BEFORE:
        values |= await BEFORE[operation_id](app, client)
    return client, values
