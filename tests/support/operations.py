"""Every operation of the API, with a request of it that succeeds for those who may."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from tests.support.app import CREDENTIALS, SECRET, TOKEN_AUDIENCE


class World(Struct, frozen=True):
    """The names of what a request is about: the caller's own subjects, or those of others.

    `owner_id` is the user whose session and key are named, `user_id` the same user, or `me`. `number` is another one in
    each world, `token` is that of an invitation link, and `disowning_token` disowns the session.
    """

    owner_id: str
    user_id: str
    session_id: str
    key_id: str
    job_id: str
    code: str
    text_key: str
    member_id: str
    invited_id: str
    number: int
    token: str
    account_id: str
    account_key_id: str
    disowning_token: str

    def parameters(self, operation: str) -> dict[str, str]:
        """The parameters of the path of an operation such as `GET /api/languages/{languageCode}`, and more."""
        user_id = self.member_id if "/members/" in operation else self.user_id
        if operation.endswith("/invitation"):
            user_id = self.invited_id
        names = {
            "sessionId": self.session_id,
            "keyId": self.account_key_id if "/service-accounts/" in operation else self.key_id,
            "accountId": self.account_id,
            "jobId": self.job_id,
            "languageCode": self.code,
            "key": self.text_key,
        }
        return {"userId": user_id, **names}


class Sent(Struct, frozen=True):
    """What a request sends besides its path."""

    json: Any = None
    headers: Mapping[str, str] = {}
    query: Mapping[str, str] = {}


NOTHING = Sent()
# An address with an account and a secret.
KNOWN = "root@example.org"

# Between an operation and the parameter with which it asks a further question.
WITH = " with "

# One entry an operation, and one for each further question. Those that end what others need come last.
REQUESTS: Mapping[str, Callable[[World], Sent]] = {
    "GET /health/live": lambda _: NOTHING,
    "GET /health/ready": lambda _: NOTHING,
    "GET /api/jobs": lambda _: NOTHING,
    "POST /api/jobs/{jobId}/retry": lambda _: NOTHING,
    "GET /api/config": lambda _: NOTHING,
    "GET /api/policy": lambda _: NOTHING,
    "POST /api/policy/can": lambda _: Sent({"checks": [{"action": "read", "subjectType": "Language"}]}),
    "GET /api/verify": lambda _: Sent(headers={"X-Forwarded-Method": "GET"}),
    "POST /api/session/token": lambda _: Sent({"audience": TOKEN_AUDIENCE}),
    "GET /.well-known/jwks.json": lambda _: NOTHING,
    "GET /.well-known/openid-configuration": lambda _: NOTHING,
    "POST /api/policy/explain": lambda world: Sent(
        {"userId": world.owner_id, "action": "read", "subjectType": "Language"}
    ),
    "GET /api/audit-events": lambda _: NOTHING,
    "GET /api/session": lambda _: NOTHING,
    "GET /api/session/events": lambda _: NOTHING,
    "POST /api/session": lambda _: Sent({**CREDENTIALS, "email": KNOWN}),
    "POST /api/session/reauthentication": lambda _: Sent({"method": "password", "secret": SECRET}),
    "GET /api/sessions": lambda _: NOTHING,
    "GET /api/keys": lambda _: NOTHING,
    "POST /api/keys": lambda world: Sent({"purpose": "password_reset", "email": f"somebody{world.number}@example.org"}),
    "POST /api/keys with purpose": lambda world: Sent(
        {"purpose": "email_change", "email": f"another{world.number}@example.org"}
    ),
    "POST /api/keys/inspect": lambda world: Sent({"token": world.token}),
    "GET /api/users": lambda _: NOTHING,
    "POST /api/users": lambda world: Sent({"email": f"new{world.number}@example.org", "name": "New"}),
    "GET /api/users/{userId}": lambda _: NOTHING,
    "POST /api/users/{userId}/invitation": lambda _: NOTHING,
    "GET /api/service-accounts": lambda _: NOTHING,
    "POST /api/service-accounts": lambda _: Sent({"name": "Export"}),
    "GET /api/service-accounts/{accountId}": lambda _: NOTHING,
    "GET /api/service-accounts/{accountId}/keys": lambda _: NOTHING,
    "POST /api/service-accounts/{accountId}/keys": lambda _: Sent({"name": "Build", "expiresIn": 3600}),
    "DELETE /api/service-accounts/{accountId}/keys/{keyId}": lambda _: NOTHING,
    "GET /api/languages": lambda _: NOTHING,
    "POST /api/languages": lambda world: Sent({"code": f"de-x-{world.number}", "name": "New"}),
    "GET /api/languages/{languageCode}": lambda _: NOTHING,
    "PATCH /api/languages/{languageCode}": lambda _: Sent({"name": "Renamed"}),
    "GET /api/languages/{languageCode}/members": lambda _: NOTHING,
    "GET /api/languages/{languageCode}/members with invitedBy": lambda _: Sent(query={"invitedBy": "me"}),
    "POST /api/languages/{languageCode}/members": lambda world: Sent(
        {"email": f"somebody{world.number}@example.org", "roles": []}
    ),
    "POST /api/languages/{languageCode}/members/{userId}/invitation": lambda _: NOTHING,
    "PUT /api/languages/{languageCode}/members/{userId}": lambda _: Sent({"roles": ["translator"]}),
    "GET /api/memberships": lambda _: NOTHING,
    "GET /api/languages/{languageCode}/translation-changes": lambda _: NOTHING,
    "GET /api/languages/{languageCode}/translations": lambda _: NOTHING,
    "GET /api/languages/{languageCode}/translations/{key}": lambda _: NOTHING,
    "GET /api/languages/{languageCode}/translations/{key}/history": lambda _: NOTHING,
    "PUT /api/languages/{languageCode}/translations/{key}": lambda _: Sent({"text": "Moin"}, {"If-Match": '"1"'}),
    "POST /api/languages/{languageCode}/translations/batch": lambda world: Sent(
        {"items": [{"key": f"new{world.number}", "text": "Neu", "version": None}]}
    ),
    "DELETE /api/languages/{languageCode}/translations/{key}": lambda _: Sent(headers={"If-Match": '"1"'}),
    "DELETE /api/languages/{languageCode}/members/{userId}": lambda _: NOTHING,
    "PUT /api/users/{userId}/platform-role": lambda _: Sent({"role": None}),
    "POST /api/users/{userId}/suspension": lambda _: Sent({"reason": "Spam"}),
    "DELETE /api/users/{userId}/suspension": lambda _: NOTHING,
    "DELETE /api/users/{userId}/sessions": lambda _: NOTHING,
    "POST /api/sessions/disown": lambda world: Sent({"token": world.disowning_token}),
    "DELETE /api/sessions/{sessionId}": lambda _: NOTHING,
    "DELETE /api/sessions": lambda _: NOTHING,
    "DELETE /api/keys/{keyId}": lambda _: NOTHING,
    "PUT /api/keys/primary/secret": lambda _: Sent({"secret": "four calm ships at the pier"}),
    "POST /api/keys/redeem": lambda world: Sent(
        {"token": world.token, "name": "Eve", "secret": SECRET, "switch": True}
    ),
    "DELETE /api/languages/{languageCode}/members/me": lambda _: NOTHING,
    "DELETE /api/languages/{languageCode}": lambda _: NOTHING,
    "DELETE /api/session": lambda _: NOTHING,
    "PATCH /api/users/{userId}": lambda _: Sent({"name": "Augusta", "phone": "+4915112345678", "locale": "de"}),
    "DELETE /api/users/{userId}": lambda _: NOTHING,
}

# Where the answers of operations have objects of subject types: in the whole body, or in one of its members.
WHOLE = ""
OBJECTS: Mapping[str, Mapping[str, str]] = {
    "GET /api/session": {"user": "User", "session": "Session"},
    "POST /api/session": {"user": "User", "session": "Session"},
    "POST /api/session/reauthentication": {"user": "User", "session": "Session"},
    "POST /api/keys/redeem": {"user": "User", "session": "Session"},
    "GET /api/sessions": {"items": "Session"},
    "GET /api/keys": {"items": "Key"},
    "GET /api/users": {"items": "User"},
    "POST /api/users": {WHOLE: "User"},
    "GET /api/users/{userId}": {WHOLE: "User"},
    "PATCH /api/users/{userId}": {WHOLE: "User"},
    "GET /api/service-accounts": {"items": "ServiceAccount"},
    "POST /api/service-accounts": {WHOLE: "ServiceAccount"},
    "GET /api/service-accounts/{accountId}": {WHOLE: "ServiceAccount"},
    "GET /api/languages": {"items": "Language"},
    "POST /api/languages": {WHOLE: "Language"},
    "GET /api/languages/{languageCode}": {WHOLE: "Language"},
    "PATCH /api/languages/{languageCode}": {WHOLE: "Language"},
    "GET /api/languages/{languageCode}/translation-changes": {"items": "Translation"},
    "GET /api/languages/{languageCode}/translations": {"items": "Translation"},
    "GET /api/languages/{languageCode}/translations/{key}": {WHOLE: "Translation"},
    "GET /api/languages/{languageCode}/translations/{key}/history": {"items": "Translation"},
    "PUT /api/languages/{languageCode}/translations/{key}": {WHOLE: "Translation"},
    "POST /api/languages/{languageCode}/translations/batch": {"items": "Translation"},
    "GET /api/audit-events": {"items": "AuditEvent"},
    "GET /api/jobs": {"items": "Job"},
    "POST /api/jobs/{jobId}/retry": {WHOLE: "Job"},
}
# Their answers have no object that rules are about: who may change a member is asked about the language.
NO_OBJECTS = frozenset(
    {
        "GET /health/live",
        "GET /health/ready",
        "GET /api/config",
        "GET /api/memberships",
        "GET /api/policy",
        "GET /api/service-accounts/{accountId}/keys",
        "POST /api/service-accounts/{accountId}/keys",
        "POST /api/policy/can",
        "POST /api/policy/explain",
        "POST /api/keys",
        "POST /api/keys/inspect",
        "POST /api/session/token",
        "GET /.well-known/jwks.json",
        "GET /.well-known/openid-configuration",
        "POST /api/sessions/disown",
        "GET /api/languages/{languageCode}/members",
        "POST /api/languages/{languageCode}/members",
        "POST /api/languages/{languageCode}/members/{userId}/invitation",
        "PUT /api/languages/{languageCode}/members/{userId}",
    }
)


def objects_in(operation: str, body: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The objects of subject types in the answer of an operation, each with its type. None stands for no object."""
    found = list[tuple[str, dict[str, Any]]]()
    for place, subject_type in OBJECTS.get(operation, {}).items():
        value: Any = body if place == WHOLE else body[place]
        found += [(subject_type, item) for item in (value if isinstance(value, list) else [value]) if item is not None]
    return found
