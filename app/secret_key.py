"""The secret key of the server, and the keys derived from it: a different one for each purpose."""

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
# The purpose of the keys that `seal` and `unseal` use.
SEALING = "sealing"


class UnsealError(Exception):
    """The sealed data cannot be decrypted: it was modified, or encrypted with a key that this server does not have."""


class SecretKey:
    """SECRET_KEY encrypts; SECRET_KEY and, after a rotation, SECRET_KEY_PREVIOUS decrypt.

    In development, a missing SECRET_KEY is created in DATA_DIR at the first use, not by the constructor.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def derive(self, purpose: str) -> tuple[bytes, ...]:
        """The 32-byte keys for one purpose: from SECRET_KEY, then from SECRET_KEY_PREVIOUS (HKDF-SHA-256, RFC 5869)."""
        return tuple(
            HKDF(SHA256(), length=32, salt=None, info=f"ostiary/{purpose}".encode()).derive(secret_key.encode())
            for secret_key in self._secret_keys
        )

    def seal(self, data: bytes) -> bytes:
        """Encrypt and authenticate `data` with SECRET_KEY (Fernet: AES-128-CBC and HMAC-SHA-256)."""
        return self._fernet.encrypt(data)

    def unseal(self, sealed: bytes) -> bytes:
        """Decrypt what `seal` returned. Raises `UnsealError`."""
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken:
            raise UnsealError from None

    def reseal(self, sealed: bytes) -> bytes:
        """The same data, encrypted with SECRET_KEY. Raises `UnsealError`."""
        return self.seal(self.unseal(sealed))

    def is_sealed_anew(self, sealed: bytes) -> bool:
        """Whether SECRET_KEY decrypts this without SECRET_KEY_PREVIOUS."""
        try:
            Fernet(urlsafe_b64encode(self.derive(SEALING)[0])).decrypt(sealed)
        except InvalidToken:
            return False
        return True

    @cached_property
    def _secret_keys(self) -> tuple[str, ...]:
        current = self._settings.secret_key or _development_key(self._settings.data_path)
        previous = self._settings.secret_key_previous
        return (current, previous) if previous else (current,)

    @cached_property
    def _fernet(self) -> MultiFernet:
        return MultiFernet([Fernet(urlsafe_b64encode(key)) for key in self.derive(SEALING)])


def _development_key(data_dir: Path) -> str:
    """The key in DATA_DIR, created if there is none. All processes with this DATA_DIR use the same key."""
    path = data_dir / DEVELOPMENT_KEY_FILE
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=data_dir) as file:  # its mode is 0600
            file.write(secrets.token_urlsafe(32))
            file.flush()
            with suppress(FileExistsError):  # another process has just created the key
                os.link(file.name, path)
    return path.read_text()
