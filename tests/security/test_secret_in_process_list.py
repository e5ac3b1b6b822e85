"""Secrets in the process list: what is hashed elsewhere shows in a command line or environment, which all may read."""

from pathlib import Path

from app.auth.passwords.process import HashProcess
from app.auth.passwords.program import Costs, Work
from tests.support.app import SECRET


def _seen_by_all(pid: int) -> bytes:
    return b"".join([Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "environ", "comm")])


async def test_what_everybody_sees_of_a_process_that_hashes_holds_no_secret() -> None:
    process = HashProcess(Costs(1, 8, 1))
    stored = await process.hash(SECRET)
    assert await process.matches(stored, SECRET)
    assert process._process is not None
    shown = _seen_by_all(process._process.pid)
    await process.close()
    assert b"app.auth.passwords.program" in shown
    assert SECRET.encode() not in shown
    assert b"argon2id" not in shown


def test_what_is_asked_of_it_never_shows_itself() -> None:
    assert SECRET not in f"{Work(1, SECRET, SECRET)!r} {[Work(2, SECRET)]}"
