"""Request and response bodies of service accounts and their API keys."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from app.domain.users.fields import Status
from app.text import name_meta

# A key that is never made anew is one whose loss nobody notices.
LIFETIME_MAX_SECONDS = 400 * 24 * 3600
LIFETIME_MIN_SECONDS = 60

ServiceName = Annotated[str, name_meta("What calls.", "Nightly export")]
KeyName = Annotated[str, name_meta("Where the key is used.", "Build server")]
Lifetime = Annotated[
    int, Meta(ge=LIFETIME_MIN_SECONDS, le=LIFETIME_MAX_SECONDS, description="How long the key works, in seconds.")
]


class NewServiceAccount(Struct, frozen=True, forbid_unknown_fields=True):
    """A service account to create."""

    name: ServiceName


class ServiceAccountView(Struct, frozen=True, rename="camel"):
    """A service account: a user that signs in nowhere and acts by API keys alone."""

    id: UUID
    name: str
    status: Status
    created_at: datetime
    last_seen_at: datetime | None


class NewApiKey(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """An API key to make."""

    name: KeyName
    expires_in: Lifetime


class ApiKeyView(Struct, frozen=True, rename="camel"):
    """An API key, without its token. `lastUsedAt` is up to 5 minutes late; null before the first use."""

    id: UUID
    service_account_id: UUID
    name: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None


class NewApiKeyView(ApiKeyView, frozen=True, rename="camel"):
    """A new API key. `token` is shown this once."""

    token: str

    def __repr__(self) -> str:
        return f"NewApiKeyView({self.id})"
