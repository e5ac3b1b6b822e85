"""Request and response bodies of the routes on tokens."""

from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType


class NewToken(Struct, frozen=True, forbid_unknown_fields=True):
    """A token to make: `audience` is the back end that it is for, one of the setting TOKEN_AUDIENCES."""

    audience: Annotated[str, Meta(min_length=1, max_length=200)]


class IssuedToken(Struct, frozen=True, rename="camel"):
    """A JSON Web Token for the back end, and when it ends."""

    token: str
    expires_at: datetime


class JsonWebKey(Struct, frozen=True):
    """The public half of a key that signs tokens (RFC 7517). Keys of ES256 have a `y` too."""

    kid: str
    kty: str
    crv: str
    x: str
    use: str
    alg: str
    y: str | UnsetType = UNSET


class JsonWebKeySet(Struct, frozen=True):
    """The public halves of the keys that sign tokens, have signed live ones, or will sign soon."""

    keys: list[JsonWebKey]


class IssuerMetadata(Struct, frozen=True):
    """The issuer of tokens, and where its keys are."""

    issuer: str
    jwks_uri: str
