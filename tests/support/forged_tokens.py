"""Tokens that no verifier may accept, by what is wrong with them."""

import hmac
import json
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from hashlib import sha256, sha384, sha512
from typing import Any, cast

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import OKPKey

from tests.support.tokens import claims_of, encoded, header_of

Json = Mapping[str, Any]
Signer = Callable[[bytes], bytes]
MISSING = object()
# The order of the base point of Ed25519 (RFC 8032 section 5.1).
ORDER = 2**252 + 27742317777372353535851937790883648493


def _changed(values: Json, **changes: object) -> dict[str, Any]:
    return {name: value for name, value in {**values, **changes}.items() if value is not MISSING}


def _part(value: object) -> str:
    return encoded(value if isinstance(value, bytes) else json.dumps(value).encode())


def _token(header: object, claims: object, sign: Signer) -> str:
    signed = f"{_part(header)}.{_part(claims)}"
    return f"{signed}.{encoded(sign(signed.encode()))}"


def _es256(data: bytes) -> bytes:
    r, s = decode_dss_signature(ec.generate_private_key(ec.SECP256R1()).sign(data, ec.ECDSA(SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _rs256(data: bytes) -> bytes:
    return rsa.generate_private_key(65537, 2048).sign(data, padding.PKCS1v15(), SHA256())


def _hmac(key: bytes, digest: Callable[..., Any] = sha256) -> Signer:
    return lambda data: hmac.digest(key, data, digest().name)


def forgeries(token: str, private_jwk: Mapping[str, str], public_jwk: Mapping[str, str]) -> dict[str, str]:
    """Tokens that are not acceptable, by what is wrong, made from an acceptable one.

    Those with wrong claims are signed with the key of the service, and all others as an attacker could.
    """
    own = cast("Ed25519PrivateKey", OKPKey.import_key({**private_jwk, "kty": "OKP"}).private_key)
    return {
        **_of_other_keys(token, public_jwk, own),
        **_of_other_headers(token, own.sign),
        **_of_other_signatures(token),
        **_of_other_claims(token, own.sign),
        **_of_other_forms(token, own.sign),
    }


def _of_other_keys(token: str, public_jwk: Mapping[str, str], own: Ed25519PrivateKey) -> dict[str, str]:
    header, claims = header_of(token), claims_of(token)
    stranger = Ed25519PrivateKey.generate()
    public, strange = own.public_key(), encoded(stranger.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
    strange_jwk = {"kty": "OKP", "crv": "Ed25519", "x": strange, "kid": "stranger"}
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    secrets = {
        "raw": public.public_bytes(Encoding.Raw, PublicFormat.Raw),
        "x": public_jwk["x"].encode(),
        "JWK": json.dumps(dict(public_jwk)).encode(),
        "JWK without spaces": json.dumps(dict(public_jwk), separators=(",", ":")).encode(),
        "PEM": pem,
        "PEM without its last line break": pem.rstrip(),
        "DER": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "kid": header["kid"].encode(),
        "nothing": b"",
    }
    found = {
        f"HS256 with the public key: {name}": _token({**header, "alg": "HS256"}, claims, _hmac(secret))
        for name, secret in secrets.items()
    }
    for alg, digest in (("HS384", sha384), ("HS512", sha512)):
        found[f"{alg} with the public key"] = _token({**header, "alg": alg}, claims, _hmac(pem, digest))
    found |= {
        "the key of a stranger under our kid": _token(header, claims, stranger.sign),
        "the key of another instance": _token({**header, "kid": "stranger"}, claims, stranger.sign),
        "the key of a stranger without kid": _token(_changed(header, kid=MISSING), claims, stranger.sign),
        "a key in the header": _token({**header, "jwk": strange_jwk}, claims, stranger.sign),
        "a key in the header alone": _token(_changed(header, kid=MISSING, jwk=strange_jwk), claims, stranger.sign),
        "the address of keys in the header": _token(
            {**header, "kid": "stranger", "jku": "http://127.0.0.1:1/jwks.json"}, claims, stranger.sign
        ),
        "the address of a certificate": _token({**header, "x5u": "http://127.0.0.1:1/x"}, claims, stranger.sign),
        "a certificate in the header": _token({**header, "x5c": [strange]}, claims, stranger.sign),
        "ES256 with the key of a stranger": _token({**header, "alg": "ES256"}, claims, _es256),
        "RS256 with the key of a stranger": _token({**header, "alg": "RS256"}, claims, _rs256),
        "a P-256 signature as EdDSA": _token(header, claims, _es256),
    }
    return found


def _of_other_headers(token: str, sign: Signer) -> dict[str, str]:
    header, claims = header_of(token), claims_of(token)
    signed, _, signature = token.rpartition(".")
    algs = ("none", "None", "NONE", "nOnE", "", "eddsa", "Ed448", "HS256", "RS256", "dir", None, ["EdDSA"], 1, MISSING)
    kids = ("", "unknown", "../../../../dev/null", "' OR 1=1 --", header["kid"] + "\0", 7, ["a"], {"a": 1})
    typs = (MISSING, "", "at+jwt", "id+jwt", "dpop+jwt", "JOSE", "secevent+jwt", None, 1)
    found = {f"alg {alg}": _token(_changed(header, alg=alg), claims, sign) for alg in algs}
    found |= {f"kid {kid}": _token(_changed(header, kid=kid), claims, sign) for kid in kids}
    found |= {f"typ {typ}": _token(_changed(header, typ=typ), claims, sign) for typ in typs}
    unsigned = {alg: f"{_part({**header, 'alg': alg})}.{_part(claims)}" for alg in ("none", "None", "NONE")}
    found |= {f"no signature, alg {alg}": f"{text}." for alg, text in unsigned.items()}
    found |= {
        "the signature of another header": f"{unsigned['none']}.{signature}",
        "no signature": f"{signed}.",
        "an unknown critical header": _token({**header, "crit": ["x"], "x": 1}, claims, sign),
        "a critical header that is missing": _token({**header, "crit": ["b64"]}, claims, sign),
        "an encrypted token": _token({**header, "alg": "dir", "enc": "A128GCM"}, claims, sign),
    }
    return found


def _of_other_signatures(token: str) -> dict[str, str]:
    signed, _, text = token.rpartition(".")
    raw = urlsafe_b64decode(text + "==")
    r, s = raw[:32], int.from_bytes(raw[32:], "little")
    wrong = {
        "one bit": bytes([raw[0] ^ 1]) + raw[1:],
        "one bit of its end": raw[:-1] + bytes([raw[-1] ^ 1]),
        "cut short": raw[:-1],
        "one byte more": raw + b"\0",
        "twice": raw + raw,
        "zeros": bytes(64),
        "the scalar plus the order": r + (s + ORDER).to_bytes(32, "little"),
        "halves swapped": raw[32:] + raw[:32],
    }
    found = {f"signature: {name}": f"{signed}.{encoded(value)}" for name, value in wrong.items()}
    header = signed.split(".")[0]
    for name, value in (("sub", "0"), ("sid", "0"), ("exp", 4_000_000_000), ("roles", {"de": ["admin"]})):
        changed = _part({**claims_of(token), name: value})
        found[f"another {name} under the same signature"] = f"{header}.{changed}.{text}"
    return found


def _of_other_claims(token: str, sign: Signer) -> dict[str, str]:
    header, claims = header_of(token), claims_of(token)
    now = claims["iat"]
    wrong: dict[str, tuple[object, ...]] = {
        "iss": (
            MISSING, None, "", "https://evil.example", claims["iss"] + "/", claims["iss"] + ".evil.example",
            claims["iss"].upper(), [claims["iss"]], 1,
        ),
        "aud": (
            MISSING, None, "", [], "https://evil.example", claims["aud"] + "/", claims["aud"][:-1], "*",
            ["https://evil.example"], {claims["aud"]: 1}, 1,
        ),
        "exp": (MISSING, None, 0, now - 60, -now, str(now + 60), True, "never", [now + 60]),
        "nbf": (now + 3600, str(now), "now", True),
        "iat": (MISSING, None, now + 3600, str(now)),
        "sub": (MISSING, None, ""),
        "sid": (MISSING, None, ""),
    }  # fmt: skip
    return {
        f"{name} {value!r}" if value is not MISSING else f"no {name}": _token(
            header, _changed(claims, **{name: value}), sign
        )
        for name, values in wrong.items()
        for value in values
    }


def _of_other_forms(token: str, sign: Signer) -> dict[str, str]:
    header, claims, signature = token.split(".")
    whole = {"protected": header, "payload": claims, "signature": signature}
    return {
        "one part": header,
        "two parts": f"{header}.{claims}",
        "four parts": f"{token}.{signature}",
        "five parts": f"{token}.{signature}.{signature}",
        "dots": "..",
        "no claims": f"{header}..{signature}",
        "no header": f".{claims}.{signature}",
        "JSON": json.dumps(whole),
        "general JSON": json.dumps({"payload": claims, "signatures": [whole]}),
        "claims that are a list": _token(header_of(token), [claims_of(token)], sign),
        "claims that are text": _token(header_of(token), "claims", sign),
        "claims that are not JSON": _token(header_of(token), b"{", sign),
        "claims that are not UTF-8": _token(header_of(token), b'{"\xff": 1}', sign),
        "a header that is a list": _token([header_of(token)], claims_of(token), sign),
        "a header that is not JSON": _token(b"{", claims_of(token), sign),
        "not base64": f"{header}.{claims}.!!!!",
        "a word": "token",
        "a session token": "a" * 43,
    }
