"""`ostiary serve` as a process: signals, kills, a port in use, the embedded database and `DATABASE_URL`."""

import json
import os
import pwd
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from tests.conftest import make_database
from tests.support.app import CREDENTIALS, SECRET, SECRET_KEY, is_signed_in
from tests.support.serve_process import OSTIARY, Service, is_alive, parent_of, serving, wait_for

UNPRIVILEGED_ACCOUNT = "nobody"
EXAMPLES = Path(__file__).parents[2] / "examples" / "languages.csv"


def children(pid: int) -> set[int]:
    """The running processes whose parent is `pid`."""
    others = (int(entry.name) for entry in Path("/proc").glob("[0-9]*"))
    return {other for other in others if parent_of(other) == pid and is_alive(other)}


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def _ipv6_loopback() -> Iterator[socket.socket]:
    """A socket bound to `::1`; skips the test on a machine without IPv6."""
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
        yield probe


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_every_name_of_the_loopback_interface_reaches_the_service_and_keeps_its_session(
    server_url: str, work_dir: Path, host: str
) -> None:
    url = await make_database(server_url, f"loopback_{host.replace('.', '_')}")
    with _ipv6_loopback(), serving(work_dir / "data", work_dir, None, DATABASE_URL=url, HOST=host) as service:
        token = service.out[-1].partition("#token=")[2]
        body: dict[str, str] = {"token": token, "email": "ada@example.org", "name": "Ada", "secret": SECRET}
        path = "/api/keys/redeem"
        for name in ("[::1]", "127.0.0.1", "localhost"):
            origin = f"http://{name}:{service.port}"
            async with httpx.AsyncClient(base_url=origin, headers={"Origin": origin}, timeout=30) as browser:
                assert (await browser.post(path, json=body)).status_code == 201, name
                assert await is_signed_in(browser), name
            path, body = "/api/session", CREDENTIALS
        assert service.stop() == 0
    # To a browser each name is another site, without the device cookie of the first.
    assert [line for line in service.err if '"template":"new_device"' not in line] == []


def test_a_port_in_use_at_the_ipv6_loopback_address_fails_with_one_line(work_dir: Path) -> None:
    with _ipv6_loopback() as taken:
        taken.listen()
        port = taken.getsockname()[1]
        service = Service(work_dir / "data", work_dir, PORT=str(port))
        assert service.process.wait(60) == 1
        assert service.err == [f"ostiary: cannot listen on [::1]:{port}: Address already in use"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_service_its_workers_and_its_database(work_dir: Path, number: signal.Signals) -> None:
    with serving(work_dir / "data", work_dir) as service:
        address, link = service.out
        assert re.fullmatch(
            rf"Ostiary serves http://localhost:{service.port} \(on 127\.0\.0\.1( and ::1)?, port {service.port}, "
            r"up to [\d,]+ connections of each worker; Ctrl-C stops it\)",
            address,
        )
        assert re.fullmatch(rf"Setup link: http://localhost:{service.port}/redeem#token=osk_[\w-]{{43}}", link)
        database = service.database_pid()
        started = children(service.process.pid)
        assert database in started
        assert service.stop(number) == 0
    assert not any(map(is_alive, started))
    assert not is_listening(service.port)
    assert not service.pid_file.exists()
    assert service.err == []


def test_a_stop_writes_the_log_of_the_last_requests(work_dir: Path) -> None:
    with serving(work_dir / "data", work_dir, ACCESS_LOG="on") as service:
        answers = [httpx.get(f"{service.url}/api/nowhere/{number}") for number in range(20)]
        service.stop(signal.SIGTERM)
    assert {answer.status_code for answer in answers} == {404}
    logged = [json.loads(line)["path"] for line in service.err if "/api/nowhere/" in line]
    assert logged == [f"/api/nowhere/{number}" for number in range(20)]


def test_the_next_start_after_a_kill_recovers_all_data(work_dir: Path) -> None:
    with serving(work_dir / "data", work_dir) as service:
        imported = service.command("languages", "import", EXAMPLES)
        assert (imported.returncode, imported.stdout) == (0, "183 languages created\n")
        os.kill(service.process.pid, signal.SIGKILL)
        service.process.wait()
        orphaned = service.database_pid()
        assert is_alive(orphaned)

    with serving(work_dir / "data", work_dir, PORT=str(service.port)) as restarted:
        assert not is_alive(orphaned)
        database = restarted.database_pid()
        for pid in (restarted.process.pid, database):
            os.kill(pid, signal.SIGKILL)
        restarted.process.wait()
        wait_for(lambda: not is_alive(database))

    # No service is running: the command starts and stops the database itself.
    listed = restarted.command("languages", "list")
    assert len(listed.stdout.splitlines()) == 183, listed.stderr
    assert not restarted.pid_file.exists()


def test_a_second_service_on_the_same_data_dir_fails_with_one_line(work_dir: Path) -> None:
    with serving(work_dir / "data", work_dir) as first:
        second = Service(work_dir / "data", work_dir, PORT=str(first.port))
        assert second.process.wait(60) == 1
        assert second.out == []
        assert second.err == [f"ostiary: another ostiary is already running on {work_dir}/data"]
        assert first.is_ready()


def test_a_port_in_use_fails_with_one_line_and_stops_the_database(work_dir: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        service = Service(work_dir / "data", work_dir, PORT=str(port))
        assert service.process.wait(60) == 1
        assert service.err == [f"ostiary: cannot listen on 127.0.0.1:{port}: Address already in use"]
    assert not service.pid_file.exists()


def test_too_few_open_files_fail_with_one_line_before_anything_is_started(work_dir: Path) -> None:
    command = f"ulimit -n 100; exec {OSTIARY} serve"
    started = subprocess.run(["sh", "-c", command], env={"DATA_DIR": str(work_dir)}, capture_output=True, check=False)
    assert started.returncode == 1
    assert started.stderr.startswith(b"ostiary: 100 open files are too few (ulimit -n)")
    assert not (work_dir / "postgres").exists()


def test_an_interrupted_start_stops_the_database(work_dir: Path) -> None:
    service = Service(work_dir / "data", work_dir)
    wait_for(lambda: service.pid_file.exists() and bool(service.pid_file.read_text()))
    database = service.database_pid()
    assert service.stop(signal.SIGINT) in {0, 130}
    assert not is_alive(database)
    assert not service.pid_file.exists()


async def test_with_database_url_several_workers_serve_without_the_embedded_database(
    server_url: str, work_dir: Path
) -> None:
    url = await make_database(server_url, "serving")
    with serving(work_dir / "data", work_dir, DATABASE_URL=url, WORKERS="2", HOST="localhost") as service:
        assert not (work_dir / "data").exists()
        workers = children(service.process.pid)
        assert len(workers) == 2

        os.kill(min(workers), signal.SIGKILL)
        wait_for(lambda: len(children(service.process.pid) - workers) == 1)
        wait_for(service.is_ready)
        assert service.out[2] == "[ERROR] Unexpected exit from worker-1"
        # A terminal sends SIGHUP when it is closed.
        assert service.stop(signal.SIGHUP) == 0
    assert not (work_dir / "data").exists()


async def test_production_without_trusted_proxies_says_so_at_the_start(server_url: str, work_dir: Path) -> None:
    production = {
        "ENVIRONMENT": "production",
        "DATABASE_URL": await make_database(server_url, "unproxied"),
        "PUBLIC_URL": "https://auth.example.org",
        "SECRET_KEY": SECRET_KEY,
        "MAIL_URL": "smtps://mail.example.org",
        "MAIL_FROM": "no-reply@example.org",
        "ARGON2_MEMORY_KIB": "19456",
        "ARGON2_ITERATIONS": "2",
        "RUN_JOBS": "off",
    }
    with serving(work_dir / "data", work_dir, None, **production) as service:
        assert [line.partition(":")[0] for line in service.out][1:] == ["TRUSTED_PROXIES is not set", "Setup link"]


def test_the_service_runs_as_an_unprivileged_account(work_dir: Path) -> None:
    data_dir = work_dir / "data"
    data_dir.mkdir()
    with ExitStack() as stack:
        account = None
        if os.geteuid() == 0:
            account = pwd.getpwnam(UNPRIVILEGED_ACCOUNT)
            os.chown(data_dir, account.pw_uid, account.pw_gid)
            needed_paths = (Path(sys.executable), Path(sys.base_prefix), EXAMPLES, data_dir)
            stack.enter_context(_traversable(account.pw_uid, *needed_paths))
        with serving(data_dir, work_dir, account) as service:
            assert service.command("users", "create", "ada@example.org").returncode == 0
            assert service.stop() == 0
        assert service.err == []


@contextmanager
def _traversable(uid: int, *paths: Path) -> Iterator[None]:
    """Let the account traverse the directories above the paths while the context lasts."""
    ancestors = {directory for path in paths for directory in (*path.parents, *path.resolve().parents)}
    closed = {directory: mode for directory in ancestors if not (mode := directory.stat().st_mode) & 0o001}
    for directory, mode in closed.items():
        if directory.stat().st_uid != uid:
            directory.chmod(mode | 0o001)
    try:
        yield
    finally:
        for directory, mode in closed.items():
            directory.chmod(mode)
