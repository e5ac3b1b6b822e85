"""Denial of service by oversized secrets: normalising or hashing a very long secret keeps the processor busy."""

from collections.abc import AsyncIterator

import pytest

from app.auth.passwords import rules
from tests.support.app import CREDENTIALS, RunningApp, field_errors
from tests.support.hash_work import hashes_computed
from tests.support.mailbox import redeem

MEBIBYTE = "a" * 1024 * 1024
# Each code point grows when it is normalised.
EXPANDING = "\u1e9b\u0323" * 500


async def test_a_body_of_1_mebibyte_is_answered_413(app: RunningApp) -> None:
    await app.user()
    before = hashes_computed(app.resources.hasher)

    answer = await app.client().post("/api/session", json={**CREDENTIALS, "secret": MEBIBYTE})

    assert answer.status_code == 413
    assert hashes_computed(app.resources.hasher) == before


async def test_a_chunked_body_of_1_mebibyte_is_answered_413(app: RunningApp) -> None:
    await app.user()
    before = hashes_computed(app.resources.hasher)

    async def pieces() -> AsyncIterator[bytes]:
        yield b'{"method":"password","email":"ada@example.org","secret":"'
        for _ in range(64):
            yield b"a" * 16 * 1024
        yield b'"}'

    answer = await app.client().post("/api/session", content=pieces(), headers={"Content-Type": "application/json"})

    assert answer.status_code == 413
    assert hashes_computed(app.resources.hasher) == before


@pytest.mark.parametrize("secret", ["a" * 1025, "é" * 513, "😀" * 257, EXPANDING, "a" * 2000, "a" * 2001])
async def test_a_secret_longer_than_1_kibibyte_is_never_hashed(app: RunningApp, secret: str) -> None:
    browser = await app.signed_in()
    before = hashes_computed(app.resources.hasher)

    answers = [
        await browser.post("/api/session", json={**CREDENTIALS, "secret": secret}),
        await browser.put("/api/keys/primary/secret", json={"secret": secret}),
        await browser.post("/api/session/reauthentication", json={"method": "password", "secret": secret}),
        await redeem(browser, token=await app.invitation(), name="Eve", secret=secret, switch=True),
    ]

    assert [field_errors(answer) for answer in answers] == [{"secret": "too_long"}] * 4
    assert hashes_computed(app.resources.hasher) == before


def test_the_length_is_checked_before_the_normalisation() -> None:
    assert rules.normalise("\u0344" * 600) is None
    assert rules.normalise("\ud800" * 400) is None


async def test_a_secret_of_the_maximum_length_signs_in(app: RunningApp) -> None:
    browser = await app.signed_in()
    longest = ("long quiet harbour " * 7)[: rules.MAX_LENGTH]

    assert (await browser.put("/api/keys/primary/secret", json={"secret": longest})).status_code == 204
    assert (await app.client().post("/api/session", json={**CREDENTIALS, "secret": longest})).status_code == 201
    shortened = await app.client().post("/api/session", json={**CREDENTIALS, "secret": longest[:-1]})
    assert shortened.status_code == 401
