"""Forged tokens: a verifier that is built as docs/back-ends.md says refuses every one of them."""

from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import pytest
from joserfc.errors import JoseError

from tests.support.back_ends import Issuer, issuing, sample
from tests.support.tokens import claims_of

FORGERIES_MIN = 60
Verify = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="module")
async def issuer(server_url: str) -> AsyncIterator[Issuer]:
    """A running issuer of tokens."""
    async with issuing(server_url, "forged") as issuer:
        yield issuer


@pytest.fixture
def verify(issuer: Issuer) -> Verify:
    """The function `verify` of the document."""
    names: dict[str, object] = {}
    exec(compile(sample("Python", "python", issuer.url), "ostiary_tokens.py", "exec"), names)  # noqa: S102 # the sample
    return cast("Verify", names["verify"])


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
async def test_no_forged_token_is_accepted(issuer: Issuer, verify: Verify) -> None:
    token = await issuer.token("translator")
    assert verify(token) == claims_of(token)
    assert verify(token)["roles"] == {"de": ["translator"]}
    forged = await issuer.forgeries()
    assert len(set(forged.values())) == len(forged) >= FORGERIES_MIN
    accepted = list[str]()
    for name, text in forged.items():
        try:
            verify(text)
        except (JoseError, ValueError):
            continue
        accepted.append(name)
    assert accepted == []
    assert verify(token) == claims_of(token)


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
async def test_a_token_of_another_instance_is_refused(issuer: Issuer, verify: Verify, server_url: str) -> None:
    async with issuing(server_url, "forged_other") as other:
        of_other = await other.token()
    with pytest.raises((JoseError, ValueError)):
        verify(of_other)
    assert verify(await issuer.token())
