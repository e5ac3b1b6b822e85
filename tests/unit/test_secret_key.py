"""The secret key: created once in development, rotated without loss, with different derived keys for each purpose."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.secret_key import SecretKey, UnsealError
from app.settings.load import load

OLD, NEW = "old key 4Xw1kQz8vRt6Lm2Ns0Bp9dFgHj", "new key 7Zr0Vb3Lw9Qe5Tx1Yn6Ku2sAcMi"


def secret_key(**environ: str) -> SecretKey:
    return SecretKey(load(environ))


def test_a_missing_key_is_created_once_for_all_processes_with_mode_0600(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with ThreadPoolExecutor(8) as threads:
        keys = list(threads.map(lambda _: secret_key(DATA_DIR=str(data_dir)).derive("x"), range(32)))
    assert len(set(keys)) == 1
    (file,) = data_dir.iterdir()
    assert (file.name, stat.S_IMODE(file.stat().st_mode)) == ("secret_key", 0o600)
    assert secret_key(DATA_DIR=str(tmp_path / "other")).derive("x") != keys[0]


def test_a_configured_key_is_not_written_to_a_file(tmp_path: Path) -> None:
    secret_key(SECRET_KEY=NEW, DATA_DIR=str(tmp_path)).seal(b"x")
    assert list(tmp_path.iterdir()) == []


def test_after_a_rotation_the_old_key_decrypts_and_the_new_key_encrypts() -> None:
    old, new = secret_key(SECRET_KEY=OLD), secret_key(SECRET_KEY=NEW)
    both = secret_key(SECRET_KEY=NEW, SECRET_KEY_PREVIOUS=OLD)
    assert both.unseal(old.seal(b"kept")) == b"kept"
    assert new.unseal(both.seal(b"kept")) == b"kept"
    with pytest.raises(UnsealError):
        new.unseal(old.seal(b"kept"))
    assert both.derive("codes") == (*new.derive("codes"), *old.derive("codes"))


def test_modified_sealed_data_is_refused() -> None:
    sealed = bytearray(secret_key(SECRET_KEY=NEW).seal(b"kept"))
    sealed[-5] ^= 1
    with pytest.raises(UnsealError):
        secret_key(SECRET_KEY=NEW).unseal(bytes(sealed))


def test_each_purpose_has_a_different_key() -> None:
    key = secret_key(SECRET_KEY=NEW)
    assert key.derive("codes") != key.derive("sealing")
    assert [len(derived) for derived in key.derive("codes")] == [32]
