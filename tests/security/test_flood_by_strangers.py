"""A flood by strangers: clients of many networks guess at, and ask for mail to, the accounts of owners who sign in.

Some owners have a known device, and sign in by secret or by code; the others by the link in the mailbox.
`OSTIARY_LONG=1` runs 50 networks against 20 owners for two minutes, otherwise 6 against 3 for a few seconds.
"""

import asyncio
import email
import email.policy
import os
import re
import time
from collections import Counter
from collections.abc import AsyncIterator
from email.message import EmailMessage
from itertools import cycle
from pathlib import Path
from typing import NamedTuple, TypeAlias

import asyncpg
import httpx
import pytest

from app.auth.devices import NAME as DEVICE_COOKIE
from tests.conftest import make_database
from tests.support.app import ORIGIN, SECRET
from tests.support.mailbox import code_in, text_of, token_in
from tests.support.serve_process import Service, serving_beside

JSON: TypeAlias = dict[str, str]
CODE = re.compile(r"^[0-9]{8}$", re.MULTILINE)
LONG = bool(os.environ.get("OSTIARY_LONG"))
NETWORKS, OWNERS, SECONDS = (50, 20, 120) if LONG else (6, 3, 4)
SIGN_IN_SECONDS = 60
GUESSES_A_DAY = 100
MAILS_AN_HOUR = 12
WAYS = ("link", "secret", "code")
PURPOSES = ("sign_in", "sign_up", "password_reset")
ADDRESSES = [f"owner-{number}@example.org" for number in range(OWNERS)]
MAILS_OF_DEVICES_AN_HOUR = 5
MOST_GUESSES = """
SELECT sum(hits) FROM rate_limits
 WHERE key LIKE 'guess_by_account_strangers/%' OR key LIKE 'guess_by_account_devices/%'
 GROUP BY split_part(key, '/', 2) ORDER BY 1 DESC LIMIT 1
"""


class Owned(NamedTuple):
    """The service, and the device cookie that each owner has from accepting the invitation."""

    service: Service
    devices: dict[str, str]


@pytest.fixture
async def owned(server_url: str, tmp_path: Path) -> AsyncIterator[Owned]:
    """The service with two workers, behind a trusted proxy that names the network of each client."""
    devices = {}
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
                accepted = await client.post("/api/keys/redeem", json=body)
            assert accepted.status_code == 201, accepted.text
            devices[address] = accepted.cookies[DEVICE_COOKIE]
        yield Owned(running, devices)


def client_of(service: Service, network: str, device: str | None = None) -> httpx.AsyncClient:
    """A client of this network, with no cookie but that of a known device."""
    headers = {"X-Forwarded-For": network, "Origin": ORIGIN}
    cookies = {DEVICE_COOKIE: device} if device else {}
    return httpx.AsyncClient(base_url=service.url, headers=headers, cookies=cookies, timeout=30)


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


def mails_to(directory: Path, address: str, since: float = 0) -> list[EmailMessage]:
    """The mails to the address since this time, the oldest first."""
    times = {file: file.stat().st_mtime for file in (directory / "mail").glob("*.eml")}
    files = sorted((file for file, at in times.items() if at >= since), key=lambda file: times[file])
    mails = [email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in files]
    return [mail for mail in mails if mail["To"] == address]


async def credentials_in_mail(
    client: httpx.AsyncClient, directory: Path, address: str, way: str, since: float
) -> list[JSON]:
    """Ask for mail, and look for links, or for codes that were mailed since, to sign in with: the newest first."""
    await client.post("/api/keys", json={"purpose": "sign_in", "email": address})
    mails = reversed(await asyncio.to_thread(mails_to, directory, address, since if way == "code" else 0))
    texts = [mail for mail in mails if "reset" not in mail["Subject"]]
    if way == "link":
        links = [mail for mail in texts if "#token=" in text_of(mail)]
        return [{"method": "link", "token": token_in(mail)} for mail in links]
    codes = [mail for mail in texts if CODE.search(text_of(mail))]
    return [{"method": "code", "email": address, "code": code_in(mail)} for mail in codes]


async def sign_in(owned: Owned, directory: Path, address: str, way: str) -> float:
    """Sign in by a mailed link, as an owner without a known device, or by code or secret on one; the seconds that it
    took. An owner tries each code once, and no code of a mail that was there before."""
    began, started, tried = time.time(), time.monotonic(), list[JSON]()
    device = None if way == "link" else owned.devices[address]
    async with client_of(owned.service, "203.0.113.7", device) as client:
        while time.monotonic() - started < SIGN_IN_SECONDS:
            if way == "secret":
                found = [{"method": "password", "email": address, "secret": SECRET}]
            else:
                found = await credentials_in_mail(client, directory, address, way, began)
            for sent in found:
                if way == "code" and sent in tried:
                    continue
                tried.append(sent)
                if (await client.post("/api/session", json=sent)).status_code == 201:
                    return time.monotonic() - started
            await asyncio.sleep(0.5)
    return time.monotonic() - started


async def test_every_owner_signs_in_while_strangers_flood_the_service(owned: Owned, tmp_path: Path) -> None:
    service, seen = owned.service, Counter[int]()
    until = time.monotonic() + SECONDS
    strangers = [asyncio.create_task(attack(service, number + 1, until, seen)) for number in range(NETWORKS)]
    waits = []
    for address, way in zip(ADDRESSES, cycle(WAYS), strict=False):
        waits.append((await sign_in(owned, tmp_path, address, way), way))
        await asyncio.sleep(0)
    await asyncio.gather(*strangers)

    assert max(waits)[0] < SIGN_IN_SECONDS, waits
    assert set(seen) <= {202, 401, 410, 422, 429, 503}, seen
    connection = await asyncpg.connect(service.environ["DATABASE_URL"])
    assert (await connection.fetchval(MOST_GUESSES) or 0) < GUESSES_A_DAY
    await connection.close()
    for address in ADDRESSES:
        by_subject = Counter(mail["Subject"] for mail in mails_to(tmp_path, address))
        assert sum(by_subject.values()) <= MAILS_AN_HOUR * len(PURPOSES) + MAILS_OF_DEVICES_AN_HOUR, by_subject
