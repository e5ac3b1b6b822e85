"""Guessable secrets: repetitions, sequences, common words and the names of the user and the service are refused."""

import re
from pathlib import Path

import pytest

from tests.support.app import RunningApp, field_errors, problem, running, settings_for
from tests.support.hash_work import hashes_computed

APP = Path(__file__).parents[2] / "app"


@pytest.mark.parametrize(
    ("secret", "code", "why"),
    [
        ("aaaaaaaaaaaaaaa", "too_guessable", "repeats"),
        ("123456789012345", "too_guessable", "common"),
        ("passwordpassword", "too_guessable", "repeats"),
        ("abcdefghijklmnop", "too_guessable", "sequences"),
        ("password lovelace", "too_guessable", "common"),
        ("ostiaryostiary1", "derived_secret", None),
        ("Big Farm Texts 1!", "derived_secret", None),
        ("bigfarm.example", "derived_secret", None),
        ("adalovelace-adalovelace", "derived_secret", None),
    ],
)
async def test_a_guessable_secret_is_refused_at_every_entrance_and_its_weakness_is_named(
    app: RunningApp, database_url: str, secret: str, code: str, why: str | None
) -> None:
    named = settings_for(
        database_url, PUBLIC_URL="https://bigfarm.example", MAIL_FROM="Big Farm Texts <texts@bigfarm.example>"
    )
    async with running(named, app.clock) as service:
        client = service.with_cookie(await service.token(await service.user(name="Ada Lovelace")))
        client.headers["Origin"] = "https://bigfarm.example"
        token = await service.invitation()
        changed = await client.put("/api/keys/primary/secret", json={"secret": secret})
        invited = await service.client(Origin="https://bigfarm.example").post(
            "/api/keys/redeem", json={"token": token, "name": "Ada Lovelace", "secret": secret}
        )
    for answer in (changed, invited):
        assert field_errors(answer) == {"secret": code}
        [error] = problem(answer)["errors"]
        # A derived secret may be made of words of the user or of the service.
        assert code != "derived_secret" or "words of this service" in error["message"]
        assert error.get("params") == ({"why": why} if why else None)
        assert secret not in answer.text


async def test_estimates_are_made_in_a_hash_process_and_not_on_the_event_loop(app: RunningApp) -> None:
    client = await app.signed_in()
    before = hashes_computed(app.resources.hasher)
    sent = {"secret": "eleven boats below the bridge"}
    assert (await client.put("/api/keys/primary/secret", json=sent)).status_code == 204
    assert hashes_computed(app.resources.hasher) == before + 2
    sources = {str(file.relative_to(APP)): file.read_text() for file in APP.rglob("*.py")}
    importers = {
        name: {file for file, text in sources.items() if re.search(rf"import.*\b{name}\b", text)}
        for name in ("zxcvbn", "why_guessable")
    }
    assert importers == {"zxcvbn": {"auth/passwords/guessability.py"}, "why_guessable": {"auth/passwords/program.py"}}
