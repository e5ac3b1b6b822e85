"""The server's secret key, and the keys derived from it: one for each use, so that none can stand in for another."""

import os
import secrets
import tempfile
from base64 import urlsafe_b64encode
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.settings.model import Settings

DEVELOPMENT_KEY_FILE = "secret_key"
SEALING = "sealing"


class UnsealError(Exception):
    """What was sealed cannot be opened: it was changed, or sealed under a key that this server does not have."""


class SecretKey:
    """SECRET_KEY and, after a rotation, SECRET_KEY_PREVIOUS: the first makes, both are accepted.

    Nothing is read or written before the first use.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def derive(self, purpose: str) -> tuple[bytes, ...]:
        """The 32-byte keys for one purpose, the present one first (HKDF-SHA-256, RFC 5869)."""
        return tuple(
            HKDF(SHA256(), length=32, salt=None, info=f"ostiary/{purpose}".encode()).derive(secret_key.encode())
            for secret_key in self._secret_keys
        )

    def seal(self, data: bytes) -> bytes:
        """Encrypt and authenticate `data` (Fernet: AES-128-CBC and HMAC-SHA-256) under the present key."""
        return self._fernet.encrypt(data)

    def unseal(self, sealed: bytes) -> bytes:
        """What `seal` was given. Raises `UnsealError`."""
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken:
            raise UnsealError from None

    @cached_property
    def _secret_keys(self) -> tuple[str, ...]:
        present = self._settings.secret_key or _development_key(self._settings.data_path)
        previous = self._settings.secret_key_previous
        return (present, previous) if previous else (present,)

    @cached_property
    def _fernet(self) -> MultiFernet:
        return MultiFernet([Fernet(urlsafe_b64encode(key)) for key in self.derive(SEALING)])


def _development_key(data_dir: Path) -> str:
    """The key kept in DATA_DIR, made where there is none: every worker and command there uses the same."""
    path = data_dir / DEVELOPMENT_KEY_FILE
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=data_dir) as file:  # its mode is 0600
            file.write(secrets.token_urlsafe(32))
            file.flush()
            with suppress(FileExistsError):  # another process was first: its key is the one
                os.link(file.name, path)
    return path.read_text()
