"""Decisions of an ability: rule order, types and subjects, fields, schema."""

import pytest

from app.ability.ability import Ability, Decision, Subject
from app.ability.condition_parsing import InvalidRule
from app.ability.conditions import MissingAttribute
from app.ability.rules import Rule, Schema

GERMAN = Subject("Language", {"code": "de"})
DANISH = Subject("Language", {"code": "da"})
SCHEMA = Schema(
    actions=frozenset({"read", "update"}),
    subjects={
        "Language": {"code": "string", "speakers": "number", "org.id": "number"},
        "User": {"id": "string", "active": "boolean"},
    },
)


def can(*actions: str, on: str = "Language", **conditions: object) -> Rule:
    return Rule(actions, (on,), conditions or None)


def cannot(*actions: str, on: str = "Language", reason: str | None = None, **conditions: object) -> Rule:
    return Rule(actions, (on,), conditions or None, inverted=True, reason=reason)


def test_without_a_rule_the_answer_is_no() -> None:
    assert Ability([]).decide("read", GERMAN) == Decision(allowed=False)


def test_the_last_written_rule_decides() -> None:
    assert not Ability([can("read"), cannot("read")]).can("read", GERMAN)
    assert Ability([cannot("read"), can("read")]).can("read", GERMAN)


def test_a_rule_on_all_written_later_beats_a_rule_on_the_type() -> None:
    ability = Ability([cannot("read"), can("read", on="all")])
    assert ability.decide("read", GERMAN) == Decision(allowed=True, rule=1)


def test_if_the_conditions_of_a_rule_fail_the_rule_before_it_decides() -> None:
    ability = Ability([can("read"), cannot("read", code="de")])
    assert not ability.can("read", GERMAN)
    assert ability.can("read", DANISH)


def test_a_rule_on_manage_covers_every_action_but_rules_on_actions_do_not_cover_manage() -> None:
    assert Ability([can("manage")]).can("anything", GERMAN)
    assert not Ability([can("read", "update")]).can("manage", GERMAN)
    assert Ability([can("manage"), cannot("read")]).can("manage", GERMAN)


def test_a_rule_on_all_covers_every_type_but_rules_on_types_do_not_cover_all() -> None:
    assert Ability([can("read", on="all")]).can("read", GERMAN)
    assert not Ability([can("read")]).can_some("read", "all")


def test_can_some_counts_conditional_grants_and_ignores_conditional_denials() -> None:
    ability = Ability([can("read", code="de"), cannot("read", code="de")])
    assert ability.can_some("read", "Language")
    assert not ability.can("read", GERMAN)


def test_a_grant_with_an_empty_in_list_allows_the_type_and_no_subject() -> None:
    ability = Ability([can("read", code={"$in": []})])
    assert ability.can_some("read", "Language")
    assert not ability.can("read", GERMAN)


def test_empty_conditions_count_as_no_conditions() -> None:
    denied = Rule(("read",), ("Language",), {}, inverted=True)
    assert not Ability([can("read"), denied]).can_some("read", "Language")


def test_a_decision_has_only_the_reason_of_the_deciding_denial() -> None:
    ability = Ability([cannot("read", reason="Closed"), cannot("read", reason="Not German", code="de")])
    assert ability.decide("read", GERMAN).reason == "Not German"
    assert ability.decide("read", DANISH).reason == "Closed"
    assert ability.decide_some("read", "Language").reason == "Closed"
    granted = Ability([Rule(("read",), ("Language",), reason="Because")])
    assert granted.decide("read", GERMAN).reason is None


def test_can_every_needs_a_grant_without_conditions_and_no_denial_after_it() -> None:
    assert Ability([can("read")]).can_every("read", "Language")
    assert Ability([cannot("read", code="de"), can("read")]).can_every("read", "Language")
    assert Ability([can("read"), can("read", code="de")]).can_every("read", "Language")
    assert not Ability([can("read", code="de")]).can_every("read", "Language")
    assert not Ability([can("read"), cannot("read", code="de")]).can_every("read", "Language")
    assert not Ability([]).can_every("read", "Language")


def test_without_a_field_grants_with_fields_count_and_denials_with_fields_do_not() -> None:
    granted = Rule(("update",), ("Language",), fields=("name",))
    denied = Rule(("update",), ("Language",), fields=("name",), inverted=True)
    assert Ability([granted]).can("update", GERMAN)
    assert Ability([can("update"), denied]).can("update", GERMAN)


def test_with_a_field_only_rules_that_cover_the_field_count() -> None:
    ability = Ability([can("update"), Rule(("update",), ("Language",), fields=("code", "org.*"), inverted=True)])
    assert ability.can("update", GERMAN, "name")
    assert not ability.can("update", GERMAN, "code")
    assert not ability.can("update", GERMAN, "org.id")
    assert not ability.can_some("update", "Language", "org")


def test_can_refuses_a_type_and_can_some_refuses_a_subject() -> None:
    ability = Ability([can("read")])
    with pytest.raises(TypeError, match="can_some"):
        ability.can("read", "Language")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="ask can"):
        ability.can_some("read", GERMAN)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="ask can"):
        ability.can_every("read", GERMAN)  # type: ignore[arg-type]


@pytest.mark.parametrize("field", ["", {"code": "de"}, 1])
def test_a_field_that_is_not_a_non_empty_string_is_refused(field: object) -> None:
    with pytest.raises(TypeError, match="field"):
        Ability([can("read")]).can("read", GERMAN, field)  # type: ignore[arg-type]


def test_the_subject_type_is_never_read_from_the_attributes() -> None:
    forged = Subject("Language", {"__caslSubjectType__": "User", "type": "User"})
    assert not Ability([can("read", on="User")]).can("read", forged)


def test_changing_the_conditions_of_a_rule_after_the_build_has_no_effect() -> None:
    codes = ["de"]
    conditions = {"code": {"$in": codes}}
    ability = Ability([Rule(("read",), ("Language",), conditions)])
    codes.append("da")
    conditions["code"] = {"$in": ["da"]}
    assert ability.can("read", GERMAN)
    assert not ability.can("read", DANISH)


@pytest.mark.parametrize(
    ("rule", "part"),
    [
        (Rule((), ("Language",)), "actions"),
        (Rule(("read",), ()), "subjects"),
        (Rule(("",), ("Language",)), "actions"),
        (Rule(("read",), ("",)), "subjects"),
        (Rule(("read,update",), ("Language",)), "actions"),
        (Rule(("read",), ("Language,User",)), "subjects"),
        (Rule("read", ("Language",)), "actions"),  # type: ignore[arg-type]
        (Rule(["read"], ("Language",)), "actions"),  # type: ignore[arg-type]
        (Rule((None,), ("Language",)), "actions"),  # type: ignore[arg-type]
        (Rule(("read",), ("Language",), fields=()), "fields"),
        (Rule(("read",), ("Language",), fields=("",)), "fields"),
        (Rule(("read",), ("Language",), fields=("a,b",)), "fields"),
        (Rule(("read",), ("Language",), inverted=1), "inverted"),  # type: ignore[arg-type]
        (Rule(("read",), ("Language",), reason=""), "reason"),
        (Rule(("read",), ("Language",), ["code"]), "conditions"),  # type: ignore[arg-type]
    ],
)
def test_a_malformed_rule_is_refused_with_its_index_and_part(rule: Rule, part: str) -> None:
    with pytest.raises(InvalidRule, match=f"^rule 1: {part}: "):
        Ability([can("read"), rule])


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (can("fly"), "actions: unknown action 'fly'"),
        (can("read", on="Planet"), "subjects: unknown subject type 'Planet'"),
        (can("read", name="German"), "conditions.name: not an attribute"),
        (can("read", org="x"), "conditions.org: not an attribute"),
        (can("read", on="all", code="de"), "conditions.code: not an attribute of every"),
        (can("read", code=1), r"conditions.code.\$eq: .* declared as string"),
        (can("read", speakers="1"), r"conditions.speakers.\$eq: .* declared as number"),
        (can("read", speakers=True), r"conditions.speakers.\$eq: .* declared as number"),
        (can("read", on="User", active=1), r"conditions.active.\$eq: .* declared as boolean"),
        (can("read", code={"$in": ["de", 1]}), r"conditions.code.\$in: .* declared as string"),
        (can("read", speakers={"$lt": 5}), "conditions.speakers: an ordering needs"),
        (can("read", speakers={"$lt": 5, "$exists": True}), "conditions.speakers: an ordering needs"),
        (Rule(("read",), ("Language",), fields=("name",)), "fields: 'name' is not an attribute"),
        (Rule(("read",), ("Language", "User"), fields=("code",)), "fields: 'code' is not an attribute"),
    ],
)
def test_a_schema_refuses_names_and_value_types_that_it_does_not_declare(rule: Rule, message: str) -> None:
    with pytest.raises(InvalidRule, match=f"^rule 0: {message}"):
        Ability([rule], SCHEMA)


@pytest.mark.parametrize(
    "rule",
    [
        can("manage", on="all"),
        can("read", code=None),
        can("read", speakers={"$in": [1, None]}),
        can("read", speakers={"$exists": True, "$ne": None, "$lt": 5}),
        Rule(("read",), ("Language",), {"org.id": 1}, ("org", "org.id", "co*")),
    ],
)
def test_a_schema_accepts_names_and_value_types_that_it_declares(rule: Rule) -> None:
    assert Ability([rule], SCHEMA).rules == (rule,)


def test_with_a_schema_a_question_with_an_unknown_name_raises() -> None:
    ability = Ability([can("manage", on="all")], SCHEMA)
    with pytest.raises(ValueError, match="unknown action 'fly'"):
        ability.can("fly", GERMAN)
    with pytest.raises(ValueError, match="unknown subject type 'Planet'"):
        ability.can_some("read", "Planet")
    assert ability.can_some("manage", "all")


def test_with_a_schema_a_missing_attribute_raises_and_no_denial_is_skipped() -> None:
    ability = Ability([can("read"), cannot("read", code="de")], SCHEMA)
    with pytest.raises(MissingAttribute, match="'code'"):
        ability.can("read", Subject("Language", {}))
    assert ability.can_some("read", "Language")


def test_with_a_schema_exists_may_ask_about_a_missing_attribute() -> None:
    ability = Ability([can("read", code={"$exists": False})], SCHEMA)
    assert ability.can("read", Subject("Language", {}))


@pytest.mark.parametrize(
    ("subjects", "message"),
    [
        ({"Language": {"code": "text"}}, "subjects.Language.code"),
        ({"Language": {"__proto__.a": "string"}}, "__proto__"),
        ({"all": {}}, "'all'"),
        ({"": {}}, "subjects"),
    ],
)
def test_an_invalid_schema_is_refused(subjects: dict[str, dict[str, str]], message: str) -> None:
    with pytest.raises(InvalidRule, match=message):
        Schema(frozenset({"read"}), subjects)  # type: ignore[arg-type]
