"""Hash processes: they have a low priority, are replaced if they are killed, and end with their parent."""

import asyncio
import os
import select
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import uvloop

from app.auth.passwords.hasher import SecretHasher
from app.auth.passwords.process import HashProcess
from app.auth.passwords.program import AUTOGROUP, ESTIMATE_SECONDS, NICE, YIELD_SECONDS, Costs, _yielding
from app.errors import Problem
from app.settings.model import Settings

SECRET = "seven lamps on a quiet harbour"
CHEAP = Costs(1, 8, 1)
EXPENSIVE = Costs(10, 65536, 1)
# An estimate of some seconds: each sign stands for several letters.
MANY_SIGNS = ("4@8({[<369!|17$5+0%2" * 4)[:72]
TIMEOUT_SECONDS = 10.0

PARENT_PROGRAM = """
import asyncio
from app.auth.passwords.process import HashProcess
from app.auth.passwords.program import Costs

async def main():
    process = HashProcess(Costs(1, 8, 1))
    await process.hash("x")
    print(process._process.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.fixture
async def process() -> AsyncIterator[HashProcess]:
    made = HashProcess(CHEAP)
    yield made
    await made.close()


def pid_of(process: HashProcess) -> int:
    assert process._process is not None
    return process._process.pid


def autogroup_nice(pid: int) -> int | None:
    """The nice value of the autogroup of the process; None if the system has no autogroups."""
    group = Path(f"/proc/{pid}/{AUTOGROUP.name}")
    text = group.read_text() if group.exists() else ""
    return int(text.split()[-1]) if text else None


def cpu_seconds(pid: int) -> float:
    """The processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def test_secrets_with_line_breaks_quotes_and_any_unicode_are_hashed_and_checked(process: HashProcess) -> None:
    for secret in ("two\nlines\r\n", "\\ \" ' \t", "żółw \U0001f422\u2028", " ", "x" * 1024):
        stored = await process.hash(secret)
        assert await process.matches(stored, secret)
        assert not await process.matches(stored, f"{secret}x")


async def test_a_process_tells_why_a_secret_is_easy_to_guess_and_goes_on_hashing(process: HashProcess) -> None:
    assert await process.why_guessable("aaaaaaaaaaaaaaa", [], 10**10) == "repeats"
    assert await process.why_guessable("ostiary lovelace", ["ostiary", "lovelace"], 10**10) == "own"
    assert await process.why_guessable(SECRET, [], 10**10) == ""
    stored = await process.hash(SECRET)
    assert await process.matches(stored, SECRET)


async def test_an_estimate_that_takes_seconds_is_given_up_and_the_process_goes_on(
    process: HashProcess,
) -> None:
    await process.why_guessable(SECRET, [], 10**10)
    first = pid_of(process)
    started = cpu_seconds(first)
    assert await process.why_guessable(MANY_SIGNS, [], 10**10) == ""
    assert ESTIMATE_SECONDS * 0.9 < cpu_seconds(first) - started < ESTIMATE_SECONDS * 2
    assert await process.why_guessable("aaaaaaaaaaaaaaa", [], 10**10) == "repeats"
    assert await process.matches(await process.hash(SECRET), SECRET)
    assert pid_of(process) == first


async def test_one_process_answers_consecutive_calls(process: HashProcess) -> None:
    stored = await process.hash(SECRET)
    first = pid_of(process)
    assert await process.matches(stored, SECRET)
    assert not await process.matches("no PHC string", SECRET)
    assert await process.matches(stored, SECRET)
    assert pid_of(process) == first


async def test_a_hash_process_has_its_own_session_and_a_low_priority(process: HashProcess) -> None:
    await process.hash(SECRET)
    pid = pid_of(process)
    assert os.getsid(pid) == pid
    assert os.getpriority(os.PRIO_PROCESS, pid) == min(19, os.getpriority(os.PRIO_PROCESS, 0) + NICE)
    assert autogroup_nice(pid) in (None, NICE)


async def test_sigalrm_while_hashing_does_not_end_the_process() -> None:
    process = HashProcess(Costs(2, 19456, 1))
    stored = await process.hash(SECRET)
    first = pid_of(process)
    asked = asyncio.create_task(process.matches(stored, SECRET))
    while not asked.done():
        os.kill(first, signal.SIGALRM)
        await asyncio.sleep(0)
    assert await asked
    assert pid_of(process) == first  # the default action of SIGALRM would have ended it
    await process.close()


def test_the_interval_timer_runs_only_while_hashing() -> None:
    before = signal.signal(signal.SIGALRM, signal.SIG_IGN)
    try:
        with _yielding():
            assert signal.getitimer(signal.ITIMER_REAL)[1] == pytest.approx(YIELD_SECONDS)
        assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    finally:
        signal.signal(signal.SIGALRM, before)


async def test_concurrent_calls_get_their_own_answers(process: HashProcess) -> None:
    secrets = [f"secret {number}" for number in range(20)]
    stored = await asyncio.gather(*map(process.hash, secrets))
    assert len({*stored}) == len(secrets)
    pairs = [(hashed, secret) for hashed in stored for secret in secrets]
    found = await asyncio.gather(*[process.matches(*pair) for pair in pairs])
    assert found == [stored.index(hashed) == secrets.index(secret) for hashed, secret in pairs]


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
@pytest.mark.parametrize("exit_noticed", [True, False])
def test_a_killed_process_is_replaced(new_loop: Callable[[], asyncio.AbstractEventLoop], exit_noticed: bool) -> None:
    async def scenario() -> None:
        process = HashProcess(CHEAP)
        stored = await process.hash(SECRET)
        killed = pid_of(process)
        os.kill(killed, signal.SIGKILL)
        if exit_noticed:
            assert process._process is not None
            await process._process.wait()
        assert await process.matches(stored, SECRET)
        assert pid_of(process) != killed
        await process.close()

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(scenario())


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_process_that_is_killed_while_hashing_is_replaced(new_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def scenario() -> None:
        process = HashProcess(EXPENSIVE)
        assert not await process.matches("no PHC string", SECRET)  # the first call starts the process
        killed = pid_of(process)
        asked = [asyncio.create_task(process.hash(SECRET)) for _ in range(3)]
        await asyncio.sleep(0)
        os.kill(killed, signal.SIGKILL)
        assert len({*await asyncio.gather(*asked)}) == 3
        assert pid_of(process) != killed
        await process.close()

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(scenario())


async def test_sigint_and_sigterm_do_not_end_a_hash_process(process: HashProcess) -> None:
    await process.hash(SECRET)
    asked = pid_of(process)
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(asked, number)
    await process.hash(SECRET)
    assert pid_of(process) == asked


def test_a_hash_process_ends_with_its_parent() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT_PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        handle = os.pidfd_open(pid)
        parent.kill()
    ended, _, _ = select.select([handle], [], [], TIMEOUT_SECONDS)  # pidfd_open(2): readable once the process has ended
    os.close(handle)
    assert ended


@pytest.mark.parametrize("executable", ["/bin/false", "/no/such/program"])
async def test_a_process_that_does_not_start_is_a_temporarily_unavailable_problem(
    monkeypatch: pytest.MonkeyPatch, executable: str
) -> None:
    monkeypatch.setattr(sys, "executable", executable)
    hasher = SecretHasher(Settings(argon2_memory_kib=8, argon2_iterations=1, hash_concurrency=1, hash_queue=0))
    for _ in range(2):  # the first call frees its place
        with pytest.raises(Problem) as refused:
            await hasher.hash(SECRET)
        assert refused.value.code == "temporarily_unavailable"
        assert refused.value.__cause__
    await hasher.close()
