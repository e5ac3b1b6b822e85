"""A flood by strangers: clients of many networks guess at, and ask for mail to, the accounts of owners who sign in.

`OSTIARY_LONG=1` runs 50 networks against 20 owners for two minutes, otherwise 6 against 3 for a few seconds.
"""

import asyncio
import email
import email.policy
import os
import time
from collections import Counter
from collections.abc import AsyncIterator
from email.message import EmailMessage
from itertools import cycle
from pathlib import Path

import asyncpg
import httpx
import pytest

from tests.conftest import make_database
from tests.support.app import ORIGIN, SECRET
from tests.support.mailbox import text_of, token_in
from tests.support.serve_process import Service, serving_beside

LONG = bool(os.environ.get("OSTIARY_LONG"))
NETWORKS, OWNERS, SECONDS = (50, 20, 120) if LONG else (6, 3, 4)
SIGN_IN_SECONDS = 60
GUESSES_A_DAY = 100
MAILS_AN_HOUR = 12
PURPOSES = ("sign_in", "sign_up", "password_reset")
ADDRESSES = [f"owner-{number}@example.org" for number in range(OWNERS)]
COUNTED = "SELECT max(hits) FROM rate_limits WHERE key LIKE 'guess_by_account_strangers/%'"


@pytest.fixture
async def service(server_url: str, tmp_path: Path) -> AsyncIterator[Service]:
    """The service with two workers, behind a trusted proxy that names the network of each client."""
    await asyncio.to_thread(tmp_path.chmod, 0o711)
    url = await make_database(server_url, "flood")
    async with serving_beside(
        tmp_path, tmp_path, DATABASE_URL=url, WORKERS="2", TRUSTED_PROXIES="127.0.0.1", PUBLIC_URL=ORIGIN
    ) as running:
        for address in ADDRESSES:
            created = await asyncio.to_thread(running.command, "users", "create", address, "--name", "Ada")
            assert created.returncode == 0, created.stderr
            token = created.stdout.split("#token=")[1].split()[0]
            body = {"token": token, "name": "Ada", "secret": SECRET}
            async with client_of(running, "198.51.100.1") as client:
                assert (await client.post("/api/keys/redeem", json=body)).status_code == 201
        yield running


def client_of(service: Service, network: str) -> httpx.AsyncClient:
    """A client of this network, without cookies."""
    headers = {"X-Forwarded-For": network, "Origin": ORIGIN}
    return httpx.AsyncClient(base_url=service.url, headers=headers, timeout=30)


async def attack(service: Service, number: int, until: float, seen: Counter[int]) -> None:
    """Guess secrets and codes of all owners in turn, and ask for mail to them, without a pause."""
    async with client_of(service, f"192.0.2.{number}") as client:
        for address in cycle(ADDRESSES[number % OWNERS :] + ADDRESSES[: number % OWNERS]):
            if time.monotonic() > until:
                return
            asked = [await client.post("/api/keys", json={"purpose": name, "email": address}) for name in PURPOSES]
            code = {"method": "code", "email": address, "code": "12345678"}
            secret = {"method": "password", "email": address, "secret": "six lamps on a noisy harbour"}
            guessed = [await client.post("/api/session", json=sent) for sent in (code, secret)]
            seen.update(answer.status_code for answer in asked + guessed)
            client.cookies.clear()


def mails_to(directory: Path, address: str) -> list[EmailMessage]:
    """The mails to the address, the oldest first."""
    files = sorted((directory / "mail").glob("*.eml"), key=lambda file: file.stat().st_mtime)
    mails = [email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in files]
    return [mail for mail in mails if mail["To"] == address]


async def sign_in_by_link(service: Service, directory: Path, address: str) -> float:
    """Ask for mail and sign in by the latest link in the mailbox, as an owner without a known device would; the
    seconds that it took."""
    started = time.monotonic()
    async with client_of(service, "203.0.113.7") as client:
        while time.monotonic() - started < SIGN_IN_SECONDS:
            await client.post("/api/keys", json={"purpose": "sign_in", "email": address})
            for mail in reversed(await asyncio.to_thread(mails_to, directory, address)):
                if "reset" in mail["Subject"] or "#token=" not in text_of(mail):
                    continue
                answer = await client.post("/api/session", json={"method": "link", "token": token_in(mail)})
                if answer.status_code == 201:
                    return time.monotonic() - started
            await asyncio.sleep(0.5)
    return time.monotonic() - started


async def test_every_owner_signs_in_while_strangers_flood_the_service(service: Service, tmp_path: Path) -> None:
    seen: Counter[int] = Counter()
    until = time.monotonic() + SECONDS
    strangers = [asyncio.create_task(attack(service, number + 1, until, seen)) for number in range(NETWORKS)]
    waits = []
    for address in ADDRESSES:
        waits.append(await sign_in_by_link(service, tmp_path, address))
        await asyncio.sleep(0)
    await asyncio.gather(*strangers)

    assert max(waits) < SIGN_IN_SECONDS, waits
    assert set(seen) <= {202, 401, 410, 422, 429, 503}, seen
    connection = await asyncpg.connect(service.environ["DATABASE_URL"])
    assert (await connection.fetchval(COUNTED) or 0) < GUESSES_A_DAY
    await connection.close()
    for address in ADDRESSES:
        by_subject = Counter(mail["Subject"] for mail in mails_to(tmp_path, address))
        assert sum(by_subject.values()) <= MAILS_AN_HOUR * len(PURPOSES), by_subject
