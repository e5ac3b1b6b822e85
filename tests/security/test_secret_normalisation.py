"""Inconsistent Unicode normalisation: a stored secret never signs in, or several different secrets do."""

import unicodedata

import pytest

from tests.support.app import CREDENTIALS, RunningApp

SPELLINGS = (
    "\ufb01fteen quiet \ufb02owers",  # ligatures, which NFKC decomposes
    "cafe\u0301 by the quiet harbour",
    "caf\u00e9 by the quiet harbour",
    "\u212bngstr\u00f6m units in a row",
    "\uff46ull width quiet letters",
    "\U0001f9d1\u200d\U0001f680 seven lamps \U0001f3ee harbour",
    "\u0633\u0628\u0639\u0629 \u0645\u0635\u0627\u0628\u064a\u062d \u0641\u064a \u0627\u0644\u0645\u0631\u0641\u0623",
    " leading and trailing spaces ",
    'ends with a colon: and "quotes" \\ ',
)


@pytest.mark.parametrize("secret", SPELLINGS)
async def test_a_secret_signs_in_in_its_nfc_and_its_nfd_form(app: RunningApp, secret: str) -> None:
    browser = await app.signed_in()
    assert (await browser.put("/api/keys/primary/secret", json={"secret": secret})).status_code == 204

    for form in (secret, unicodedata.normalize("NFC", secret), unicodedata.normalize("NFD", secret)):
        answer = await app.client().post("/api/session", json={**CREDENTIALS, "secret": form})
        assert answer.status_code == 201, form


@pytest.mark.parametrize(
    ("stored", "other"),
    [
        ("\ufb01fteen quiet flowers", "fifteen quiet flowers"),
        ("\uff46ull width quiet letters", "full width quiet letters"),
        ("Seven lamps on a quiet harbour", "seven lamps on a quiet harbour"),
        ("seven lamps on a quiet harbour ", "seven lamps on a quiet harbour"),
        ("seven lamps on a quiet\u00a0harbour", "seven lamps on a quiet harbour"),
        ("seven lamps\u200b on a quiet harbour", "seven lamps on a quiet harbour"),
    ],
)
async def test_a_look_alike_of_the_secret_is_refused(app: RunningApp, stored: str, other: str) -> None:
    browser = await app.signed_in()
    assert (await browser.put("/api/keys/primary/secret", json={"secret": stored})).status_code == 204

    assert (await app.client().post("/api/session", json={**CREDENTIALS, "secret": other})).status_code == 401
    assert (await app.client().post("/api/session", json={**CREDENTIALS, "secret": stored})).status_code == 201
