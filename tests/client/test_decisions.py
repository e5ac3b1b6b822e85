"""`can` and `authorize` of the npm package decide as the service on every operation, and as CASL has decided."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import pytest

from tests.client.conftest import Installed
from tests.contract.test_operations import WHO, Answer, answers_to_everybody
from tests.support.app import RunningApp
from tests.support.casl_vectors import PROFILES, VECTORS, RecordedCase, RecordedCheck

SCRIPT = Path(__file__).parent / "scripts" / "decide.mjs"
Requirement: TypeAlias = dict[str, object]


class Said(msgspec.Struct):
    """What `can` says (None if the requirement is no question), and where `authorize` leads those whom it refuses."""

    can: bool | None
    allowed: bool
    leads: str | None
    reason: str | None


def ask(installed: Installed, people: Sequence[Mapping[str, object]]) -> list[list[Said]]:
    shutil.copy(SCRIPT, installed.folder)
    done = subprocess.run(
        [installed.node, installed.folder / SCRIPT.name], input=msgspec.json.encode(people),
        capture_output=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    return msgspec.json.decode(done.stdout, type=list[list[Said]])


def requirement_of(answer: Answer, caller: object) -> Requirement:
    """What a page asks that calls this operation, from its `x-authorize`."""
    rule = answer.rule
    if "action" not in rule:
        return {"onboarded": True} if "onboarded" in rule else {"signedIn": True}
    asked: Requirement = {"action": rule["action"], "subject": rule["subjectType"]}
    if "field" in rule:
        asked["field"] = rule["field"]
    if answer.check is None or answer.check.subject is None:
        return {**asked, "any": True}
    (named,) = answer.check.subject.values()
    return {**asked, "id": "me" if named == caller and rule.get("id") == "me" else named}


async def test_can_and_authorize_decide_as_the_service_on_every_operation_of_every_caller(
    app: RunningApp, installed: Installed
) -> None:
    people, answers = await answers_to_everybody(app)
    asked = list[Mapping[str, object]]()
    ruled = [[answer for answer in of_one if "anyone" not in answer.rule] for of_one in answers]
    for person, of_one in zip(people, ruled, strict=True):
        user: Any = person.session["user"]
        caller = user["id"] if user else None
        requirements = [requirement_of(answer, caller) for answer in of_one]
        asked.append({"session": person.session, "requirements": requirements})
    differences = [
        (answer.who, answer.request, one)
        for of_one, said in zip(ruled, ask(installed, asked), strict=True)
        for answer, one in zip(of_one, said, strict=True)
        if not (one.allowed is answer.allowed and one.can in (None, answer.allowed) and leads_rightly(answer, one))
    ]
    assert differences == []
    compared = [answer for of_one in ruled for answer in of_one]
    assert {answer.allowed for answer in compared} == {True, False}
    assert {answer.who for answer in compared} == set(WHO)


def leads_rightly(answer: Answer, said: Said) -> bool:
    """Whether the page where `authorize` leads is the one for the refusal of the service."""
    if answer.who in ("anonymous", "suspended"):
        return said.leads == "/sign-in"
    return said.leads == ("/onboarding" if answer.who.startswith("onboarding") and not said.allowed else None)


@pytest.mark.parametrize("profile", PROFILES)
def test_can_and_authorize_decide_as_recorded_for_casl_7(profile: str, installed: Installed) -> None:
    cases = [
        msgspec.json.decode(line, type=RecordedCase)
        for line in (VECTORS / f"casl7-{profile}.jsonl").read_bytes().splitlines()
    ]
    user: Mapping[str, object] = {"id": "00000000-0000-4000-8000-000000000000"}
    people = [
        {
            "session": {"user": user, "session": None, "memberships": [], "onboarding": None, "rules": case.rules},
            "requirements": [_recorded(check) for check in case.checks],
        }
        for case in cases
    ]
    checked = 0
    for case, said in zip(cases, ask(installed, people), strict=True):
        for check, one in zip(case.checks, said, strict=True):
            expected = (check.allowed, check.allowed, None if check.allowed else check.reason)
            assert (one.can, one.allowed, one.reason) == expected, (case.case, check)
            checked += 1
    assert checked > 1000


def _recorded(check: RecordedCheck) -> Requirement:
    field: Requirement = {} if check.field is None else {"field": check.field}
    about: Requirement = {"any": True} if check.subject is None else {"id": check.subject}
    return {"action": check.action, "subject": check.subject_type, **field, **about}
