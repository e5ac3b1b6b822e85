"""Every right that the rules of a caller without a platform role give is what some operation asks for."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from app.guards.policy import rows_for
from app.guards.policy_expectations import principal_described_by
from tests.contract.test_operations import DOCUMENT, FURTHER, OPERATIONS

WHO = ("onboarding", "user", "member of de", "translator of de", "admin of de", "translator of de and admin of fr")
# Whoever writes a text in any way is asked about the language.
WRITES = {(action, "Translation"): ("translate", "Language") for action in ("create", "update", "delete", "translate")}


def _asked() -> Iterator[tuple[str, str, str | None]]:
    """What operations ask: action, subject type and field, which is that of the rule, or one of the body."""
    rules = [(operation["x-authorize"], operation) for operation in OPERATIONS.values()]
    for rule, operation in [*rules, *((rule, {}) for rule in FURTHER.values())]:
        question = rule.get("each", rule)
        if "action" in question:
            fields = [question["field"]] if "field" in question else [None, *_fields_of_body(operation)]
            yield from ((question["action"], question["subjectType"], field) for field in fields)


def _fields_of_body(operation: Mapping[str, Any]) -> list[str]:
    if "requestBody" not in operation:
        return []
    schema: dict[str, Any] = operation["requestBody"]["content"]["application/json"]["schema"]
    name = schema.get("$ref", "").rpartition("/")[2]
    return list(DOCUMENT["components"]["schemas"].get(name, {}).get("properties", ()))


@pytest.mark.parametrize("who", WHO)
def test_rules_allow_nothing_that_no_operation_asks(who: str) -> None:
    asked = set(_asked())
    granted = {
        (*WRITES.get((action, subject), (action, subject)), field)
        for row in rows_for(principal_described_by(who))
        if not row.forbidden
        for action in row.actions
        for subject in row.subjects
        for field in row.fields or (None,)
    }
    assert granted
    assert granted - asked == set()
