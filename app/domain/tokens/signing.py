"""Key pairs, and tokens that they sign: JSON Web Tokens (RFC 7519) with one signature (RFC 7515)."""

from collections.abc import Mapping
from typing import Final, cast

import msgspec
from joserfc import jwt
from joserfc._rfc7515.model import JWSAlgModel
from joserfc.jwk import ECKey, Key, OKPKey, import_key
from joserfc.jws import JWSRegistry
from msgspec import Struct

from app.settings.model import TokenAlgorithm

TYPE: Final = "JWT"


class KeyPair(Struct, frozen=True):
    """A new key pair: its `kid`, and the JSON Web Keys (RFC 7517), of which `private_key` is JSON text."""

    kid: str
    algorithm: TokenAlgorithm
    public_key: dict[str, str]
    private_key: bytes

    def __repr__(self) -> str:
        return f"KeyPair({self.kid})"


class SigningRegistry(JWSRegistry):
    """The registry of joserfc, without its warning of the name EdDSA.

    RFC 9864 has a narrower name for the same algorithm, Ed25519, which few verifiers know.
    """

    def get_alg(self, name: str) -> JWSAlgModel:
        """The algorithm of this name."""
        return self.algorithms[name]


def new_key_pair(algorithm: TokenAlgorithm) -> KeyPair:
    """A new key pair for EdDSA with Ed25519 (RFC 8037) or ES256 (RFC 7518 section 3.4)."""
    key: Key = OKPKey.generate_key("Ed25519") if algorithm == "EdDSA" else ECKey.generate_key("P-256")
    kid = key.thumbprint()
    told = {"kid": kid, "use": "sig", "alg": algorithm}
    return KeyPair(
        kid=kid,
        algorithm=algorithm,
        public_key=cast("dict[str, str]", {**key.as_dict(private=False), **told}),
        private_key=msgspec.json.encode(key.as_dict(private=True)),
    )


def sign(claims: Mapping[str, object], kid: str, algorithm: str, private_key: bytes) -> str:
    """The token with these claims, signed with the private key of a `KeyPair`."""
    key = import_key(msgspec.json.decode(private_key, type=dict[str, str | list[str]]))
    header = {"alg": algorithm, "kid": kid, "typ": TYPE}
    return jwt.encode(header, dict(claims), key, registry=SigningRegistry())
