"""The secret key: made once where development has none, rotated without loss, different for each use."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.secret_key import SecretKey, UnsealError
from app.settings.load import load

OLD, NEW = "old key 4Xw1kQz8vRt6Lm2Ns0Bp9dFgHj", "new key 7Zr0Vb3Lw9Qe5Tx1Yn6Ku2sAcMi"


def secret_key(**environ: str) -> SecretKey:
    return SecretKey(load(environ))


def test_a_missing_key_is_made_once_for_all_processes_and_private(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with ThreadPoolExecutor(8) as threads:
        keys = list(threads.map(lambda _: secret_key(DATA_DIR=str(data_dir)).derive("x"), range(32)))
    assert len(set(keys)) == 1
    (file,) = data_dir.iterdir()
    assert (file.name, stat.S_IMODE(file.stat().st_mode)) == ("secret_key", 0o600)
    assert secret_key(DATA_DIR=str(tmp_path / "other")).derive("x") != keys[0]


def test_a_key_that_is_set_leaves_no_file(tmp_path: Path) -> None:
    secret_key(SECRET_KEY=NEW, DATA_DIR=str(tmp_path)).seal(b"x")
    assert list(tmp_path.iterdir()) == []


def test_after_a_rotation_the_old_key_opens_and_the_new_one_seals() -> None:
    old, new = secret_key(SECRET_KEY=OLD), secret_key(SECRET_KEY=NEW)
    both = secret_key(SECRET_KEY=NEW, SECRET_KEY_PREVIOUS=OLD)
    assert both.unseal(old.seal(b"kept")) == b"kept"
    assert new.unseal(both.seal(b"kept")) == b"kept"
    with pytest.raises(UnsealError):
        new.unseal(old.seal(b"kept"))
    assert both.derive("codes") == (*new.derive("codes"), *old.derive("codes"))


def test_a_changed_seal_does_not_open() -> None:
    sealed = bytearray(secret_key(SECRET_KEY=NEW).seal(b"kept"))
    sealed[-5] ^= 1
    with pytest.raises(UnsealError):
        secret_key(SECRET_KEY=NEW).unseal(bytes(sealed))


def test_each_use_has_a_key_of_its_own() -> None:
    ring = secret_key(SECRET_KEY=NEW)
    assert ring.derive("codes") != ring.derive("sealing")
    assert [len(key) for key in ring.derive("codes")] == [32]
