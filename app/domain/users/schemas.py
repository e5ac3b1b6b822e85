"""What the API says of users."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct


class UserView(Struct, frozen=True, rename="camel"):
    """A user as they see themselves."""

    id: UUID
    email: str
    name: str
    platform_role: str | None
    onboarded_at: datetime | None
