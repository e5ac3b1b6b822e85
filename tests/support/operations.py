"""Every operation of the API, with a request of it that succeeds for those who may."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from tests.support.app import CREDENTIALS, SECRET


class World(Struct, frozen=True):
    """The names of what a request is about: the caller's own subjects, or those of others.

    `owner_id` is the user whose session and key are named, `user_id` the same user, or `me`. `token` is that of an
    invitation link, `email` an address with an account.
    """

    owner_id: str
    user_id: str
    session_id: str
    key_id: str
    code: str
    member_id: str
    invited_id: str
    token: str
    email: str

    def path(self, operation: str) -> str:
        """The path of an operation such as `GET /api/languages/{code}`."""
        _, _, path = operation.partition(" ")
        user_id = self.member_id if "/members/" in path else self.user_id
        if path.endswith("/invitation"):
            user_id = self.invited_id
        names = {"session_id": self.session_id, "key_id": self.key_id, "code": self.code, "key": "greeting"}
        return path.format(user_id=user_id, **names)


class Sent(Struct, frozen=True):
    """What a request sends besides its path."""

    json: Any = None
    headers: Mapping[str, str] = {}


NOTHING = Sent()
NEW = Sent({"text": "Moin"}, {"If-None-Match": "*"})

# One entry an operation. Those that end what others need come last.
REQUESTS: Mapping[str, Callable[[World], Sent]] = {
    "GET /health/live": lambda _: NOTHING,
    "GET /health/ready": lambda _: NOTHING,
    "GET /api/config": lambda _: NOTHING,
    "GET /api/policy": lambda _: NOTHING,
    "POST /api/policy/can": lambda _: Sent({"checks": [{"action": "read", "subjectType": "Language"}]}),
    "POST /api/policy/explain": lambda world: Sent(
        {"userId": world.owner_id, "action": "read", "subjectType": "Language"}
    ),
    "GET /api/audit-events": lambda _: NOTHING,
    "GET /api/session": lambda _: NOTHING,
    "POST /api/session": lambda world: Sent({**CREDENTIALS, "email": world.email}),
    "POST /api/session/reauthentication": lambda _: Sent({"method": "password", "secret": SECRET}),
    "GET /api/sessions": lambda _: NOTHING,
    "GET /api/keys": lambda _: NOTHING,
    "POST /api/keys": lambda world: Sent({"purpose": "password_reset", "email": world.email}),
    "POST /api/keys/inspect": lambda world: Sent({"token": world.token}),
    "GET /api/users": lambda _: NOTHING,
    "POST /api/users": lambda world: Sent({"email": f"new-{world.code}@example.org", "name": "New"}),
    "GET /api/users/{user_id}": lambda _: NOTHING,
    "POST /api/users/{user_id}/invitation": lambda _: NOTHING,
    "GET /api/languages": lambda _: NOTHING,
    "POST /api/languages": lambda world: Sent({"code": {"de": "sv", "fr": "fi"}[world.code], "name": "New"}),
    "GET /api/languages/{code}": lambda _: NOTHING,
    "PATCH /api/languages/{code}": lambda _: Sent({"name": "Renamed"}),
    "GET /api/languages/{code}/members": lambda _: NOTHING,
    "POST /api/languages/{code}/members": lambda _: Sent({"email": "somebody@example.org", "roles": []}),
    "POST /api/languages/{code}/members/{user_id}/invitation": lambda _: NOTHING,
    "PUT /api/languages/{code}/members/{user_id}": lambda _: Sent({"roles": ["translator"]}),
    "GET /api/languages/{code}/translations": lambda _: NOTHING,
    "GET /api/languages/{code}/translations/{key}": lambda _: NOTHING,
    "GET /api/languages/{code}/translations/{key}/history": lambda _: NOTHING,
    "PUT /api/languages/{code}/translations/{key}": lambda _: Sent({"text": "Moin"}, {"If-Match": '"1"'}),
    "POST /api/languages/{code}/translations/batch": lambda _: Sent(
        {"items": [{"key": "new", "text": "Neu", "version": None}]}
    ),
    "DELETE /api/languages/{code}/translations/{key}": lambda _: Sent(headers={"If-Match": '"2"'}),
    "DELETE /api/languages/{code}/members/{user_id}": lambda _: NOTHING,
    "PUT /api/users/{user_id}/platform-role": lambda _: Sent({"role": None}),
    "POST /api/users/{user_id}/suspension": lambda _: Sent({"reason": "Spam"}),
    "DELETE /api/users/{user_id}/suspension": lambda _: NOTHING,
    "DELETE /api/users/{user_id}/sessions": lambda _: NOTHING,
    "DELETE /api/sessions/{session_id}": lambda _: NOTHING,
    "DELETE /api/sessions": lambda _: NOTHING,
    "DELETE /api/keys/{key_id}": lambda _: NOTHING,
    "PUT /api/keys/primary/secret": lambda _: Sent({"secret": "four calm ships at the pier"}),
    "POST /api/keys/redeem": lambda world: Sent(
        {"token": world.token, "name": "Eve", "secret": SECRET, "switch": True}
    ),
    "DELETE /api/languages/{code}/members/me": lambda _: NOTHING,
    "DELETE /api/languages/{code}": lambda _: NOTHING,
    "DELETE /api/session": lambda _: NOTHING,
    "PATCH /api/users/{user_id}": lambda _: Sent({"name": "Augusta", "phone": "+4915112345678", "locale": "de"}),
    "DELETE /api/users/{user_id}": lambda _: NOTHING,
}
