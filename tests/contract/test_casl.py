"""Exported rules, loaded in the real @casl/ability 6 and 7: they decide as the server does."""

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Literal

import msgspec
import pytest
from msgspec import Struct

from app.ability.ability import Ability, Decision, Subject
from app.ability.casl import from_casl, pack, unpack
from app.ability.json_lines import Check, decide
from app.auth.principal import ANONYMOUS
from app.guards.policy import SCHEMA, ability_for
from tests.support.app import RunningApp
from tests.support.policy_people import person

CASL = Path(__file__).parent / "casl"
INSTALLED = CASL / "node_modules" / ".installed"
WHO = (
    "anonymous",
    "onboarding",
    "suspended",
    "user",
    "member of de",
    "translator of de",
    "admin of de",
    "member of fr",
    "translator of fr",
    "admin of fr",
    "translator of de and admin of fr",
    "platform admin",
    "platform admin and translator of de",
)


class Answers(Struct, rename="camel"):
    """What one major of CASL makes of one person's rules."""

    decisions: list[Decision]
    decisions_from_packed: list[Decision]
    permitted_fields: list[list[str]]
    packed: list[list[object]]


class Person(Struct):
    """The rules of one person as they come over HTTP, and the ability with which the server decides."""

    who: str
    rules: list[dict[str, object]]
    ability: Ability


@pytest.fixture(scope="session")
def node() -> str:
    """Node.js, with both majors installed from the lock file; missing only where no CI runs."""
    program = shutil.which("node")
    if program is None or shutil.which("npm") is None:
        if os.environ.get("CI"):
            pytest.fail("CI needs node and npm for this contract")
        pytest.skip("there is no node and npm here")
    lock_file = CASL / "package-lock.json"
    wanted = sha256(lock_file.read_bytes()).hexdigest()
    with lock_file.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not INSTALLED.exists() or INSTALLED.read_text() != wanted:
            subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=CASL, check=True)
            INSTALLED.write_text(wanted)
    return program


async def people(app: RunningApp) -> list[Person]:
    await app.language("de", "German")
    await app.language("fr", "French")
    found = []
    for number, who in enumerate(WHO):
        if who == "anonymous":
            client, principal = app.client(), ANONYMOUS
        else:
            _, token = await person(app, who, f"person{number}@example.org")
            client, principal = app.with_cookie(token), await app.sessions.authenticate(token)
        response = await client.get("/api/session")
        found.append(Person(who, response.json()["rules"], ability_for(principal)))
    return found


def subjects(users: list[str]) -> list[tuple[str, dict[str, object] | None]]:
    """A sample of every type: the type itself, and subjects with their nulls as the API sends them."""
    samples: dict[str, list[dict[str, object]]] = {
        "Language": [{"code": code, "name": "X"} for code in ("de", "fr", "DE", "")],
        "Translation": [{"languageCode": code, "text": None} for code in ("de", "fr", "xx")],
        "User": [
            {"id": id_, "name": "", "email": "a@b.c", "phone": None, "platformRole": None, "status": "active"}
            for id_ in users
        ],
        "Session": [{"userId": id_} for id_ in users],
        "Key": [{"userId": id_} for id_ in users],
    }
    assert samples.keys() == SCHEMA.subjects.keys()
    return [(kind, subject) for kind, found in samples.items() for subject in (None, *found)]


def checks(users: list[str]) -> list[Check]:
    asked = [
        Check(action, subject_type, subject, field)
        for action in (*sorted(SCHEMA.actions), "manage")
        for subject_type, subject in subjects(users)
        for field in (None, *SCHEMA.subjects[subject_type])
    ]
    return [*asked, Check("read", "all"), Check("manage", "all")]


def about_fields(asked: list[Check]) -> list[Check]:
    """Each action with each subject and type once, for the fields are what is asked for."""
    return [check for check in asked if check.field is None and check.subject_type in SCHEMA.subjects]


def permitted_fields(ability: Ability, check: Check) -> list[str]:
    kind = check.subject_type
    subject = kind if check.subject is None else Subject(kind, check.subject)
    return list(ability.permitted_fields(check.action, subject, SCHEMA.subjects[kind]))


def run(node: str, everybody: list[Person], asked: list[Check]) -> Mapping[Literal["6", "7"], list[Answers]]:
    sent = {
        "people": [{"rules": one.rules, "packed": pack(one.ability)} for one in everybody],
        "checks": asked,
        "aboutFields": about_fields(asked),
        "fields": {kind: list(attributes) for kind, attributes in SCHEMA.subjects.items()},
    }
    done = subprocess.run(
        [node, CASL / "decide.mjs"], input=msgspec.json.encode(sent), capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr.decode()
    return msgspec.json.decode(done.stdout, type=dict[Literal["6", "7"], list[Answers]])


async def test_both_majors_decide_on_exported_and_packed_rules_as_the_server_does(app: RunningApp, node: str) -> None:
    everybody = await people(app)
    users = [str(row["id"]) for row in await app.resources.database.pool.fetch("SELECT id FROM users")]
    asked = checks(users)
    answers = run(node, everybody, asked)
    assert answers.keys() == {"6", "7"}
    for major, of_people in answers.items():
        for one, got in zip(everybody, of_people, strict=True):
            expected = [decide(one.ability, check) for check in asked]
            for check, want, raw, packed in zip(asked, expected, got.decisions, got.decisions_from_packed, strict=True):
                assert (raw, packed) == (want, want), f"{one.who}, CASL {major}: {check}"


async def test_both_majors_permit_the_fields_that_the_server_does(app: RunningApp, node: str) -> None:
    everybody = await people(app)
    users = [str(row["id"]) for row in await app.resources.database.pool.fetch("SELECT id FROM users")]
    asked = about_fields(checks(users))
    some_but_not_all = 0
    for major, of_people in run(node, everybody, asked).items():
        for one, got in zip(everybody, of_people, strict=True):
            for check, fields in zip(asked, got.permitted_fields, strict=True):
                want = permitted_fields(one.ability, check)
                assert sorted(fields) == sorted(want), f"{one.who}, CASL {major}: {check}"
                some_but_not_all += 0 < len(want) < len(SCHEMA.subjects[check.subject_type])
    assert some_but_not_all > 20


async def test_packed_rules_are_those_of_both_majors_and_come_back_the_same(app: RunningApp, node: str) -> None:
    everybody = await people(app)
    for of_people in run(node, everybody, []).values():
        for one, got in zip(everybody, of_people, strict=True):
            assert got.packed == json.loads(json.dumps(pack(one.ability)))
            assert unpack(got.packed) == from_casl(one.rules)
