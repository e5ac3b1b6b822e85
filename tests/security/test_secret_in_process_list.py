"""Secrets in the process list: a secret shows in the command line or environment of the process that hashes it."""

from pathlib import Path

from app.auth.passwords.process import HashProcess
from app.auth.passwords.program import Costs, HashRequest
from tests.support.app import SECRET


def _public_data(pid: int) -> bytes:
    """Command line, environment and name of the process, from /proc."""
    return b"".join([Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "environ", "comm")])


async def test_command_line_and_environment_of_the_hash_process_hold_no_secret() -> None:
    process = HashProcess(Costs(1, 8, 1))
    stored = await process.hash(SECRET)
    assert await process.matches(stored, SECRET)
    assert process._process is not None
    public_data = _public_data(process._process.pid)
    await process.close()
    assert b"app.auth.passwords.program" in public_data
    assert SECRET.encode() not in public_data
    assert b"argon2id" not in public_data


def test_the_repr_of_a_hash_request_holds_no_secret() -> None:
    assert SECRET not in f"{HashRequest(1, SECRET, SECRET)!r} {[HashRequest(2, SECRET)]}"
