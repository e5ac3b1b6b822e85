"""Look-alike addresses: a spelling variant creates a second account, or is normalised to another user's address."""

import pytest

from app.audit import OPERATOR
from app.auth.email_addresses import normalise
from app.domain.flows.administer_users import create_user_with_link
from app.errors import Problem
from tests.support.app import CREDENTIALS, SECRET, RunningApp

SPELLINGS = ("ada@example.org", "ADA@EXAMPLE.ORG", "Ada@Example.Org", " ada@example.org ", "ada@EXAMPLE.org")

LOOK_ALIKES = (
    "ada\uff20example.org", "ada\ufe6bexample.org", "\uff41da@example.org", "ada@\uff45xample.org",
    "ada@example\uff0eorg", "ada@example\u3002org", "a\u200bda@example.org", "ada\u200d@example.org",
    "ada@exam\u00adple.org", "\u202eada@example.org", "ada@example.org\u202c", "\u2066ada@example.org\u2069",
    "ada@example.org\u00a0", "\ufeffada@example.org", "ada\u2024@example.org", "\u1d43da@example.org",
    "ada\ufe0f@example.org", "ada\u034f@example.org", "a\u115fda@example.org", "ada\U000e0100@example.org",
    "ada@exam\ufe0fple.org", "ada@exam\u034fple.org", "ada@exam\u115fple.org", "ad\u17b4a@example.org",
    "ada@example.org\x00", "ada\t@example.org", "ada@example.org\n", "ada@example.org\r\nBcc: eve@example.org",
    "ada@example.org,eve@example.org", "ada@example.org;eve@example.org", "ada@example.org eve@example.org",
    "ada@@example.org", "ada@eve@example.org", "<ada@example.org>", "Ada <ada@example.org>", "ada(x)@example.org",
    "ada", "@example.org", "ada@", "ada@.org", "ada@example..org", ".ada@example.org", "ada.@example.org",
    "a..da@example.org", "ada@[127.0.0.1]", '"ada"@example.org', '"a@b"@example.org', "ada@-example.org",
    "ada@example", "mailto:ada@example.org", "ada@" + "e" * 250 + ".org", "ada@example.org?cc=eve", "ada@example.org#",
    "ada@example.org/", "", " ", "ada@example.org.", "ada%eve@example.org@evil.example",
)  # fmt: skip


@pytest.mark.parametrize("address", LOOK_ALIKES)
async def test_a_look_alike_address_is_refused_by_every_route(app: RunningApp, address: str) -> None:
    await app.user()
    with pytest.raises(Problem) as refused:
        await create_user_with_link(OPERATOR, app.resources, address, "", None)
    assert refused.value.code == "validation_failed"

    signed_in = await app.client().post("/api/session", json={**CREDENTIALS, "email": address})
    body = {"token": await app.setup_token(), "email": address, "name": "Eve", "secret": SECRET}
    redeemed = await app.client().post("/api/keys/redeem", json=body)

    assert (signed_in.status_code, redeemed.status_code) == (422, 422)
    assert await app.resources.database.pool.fetchval("SELECT count(*) FROM users") == 1


@pytest.mark.parametrize("address", SPELLINGS)
async def test_all_spellings_of_an_address_are_one_account(app: RunningApp, address: str) -> None:
    await app.user()

    signed_in = await app.client().post("/api/session", json={**CREDENTIALS, "email": address})
    with pytest.raises(Problem) as taken:
        await create_user_with_link(OPERATOR, app.resources, address, "", None)

    assert signed_in.json()["user"]["email"] == "ada@example.org"
    assert taken.value.code == "email_taken"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("ada@example.org", "ada+x@example.org"),
        ("ada@example.org", "a.da@example.org"),
        ("ada@example.org", "\u0430da@example.org"),
        ("ada@example.org", "ada@example.com"),
        ("gauss@example.org", "gau\u00df@example.org"),
    ],
)
def test_different_addresses_are_different_accounts(first: str, second: str) -> None:
    assert normalise(first).unique != normalise(second).unique


@pytest.mark.parametrize(
    "address", ["J\u00fcrgen@example.org", "ada@b\u00fccher.example", "I@example.org", "\u0130@example.org"]
)
def test_normalising_a_normalised_address_changes_nothing(address: str) -> None:
    unique = normalise(address).unique

    assert normalise(unique).unique == unique


def test_composed_and_decomposed_characters_are_one_address() -> None:
    assert normalise("jose\u0301@example.org").unique == normalise("Jos\u00c9@example.org").unique
