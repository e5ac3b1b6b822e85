"""Field patterns match the same names as CASL's `fieldPatternMatcher`."""

import pytest

from app.ability.field_patterns import field_matcher


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("name", ["name"], ["names", "nam", "name.first"]),
        ("*", ["name"], ["a.b"]),
        ("**", ["name", "a.b.c"], []),
        ("address.*", ["address", "address.city"], ["address.city.zip", "addressed"]),
        ("address.**", ["address", "address.city", "address.city.zip"], ["addressed"]),
        ("*.name", ["user.name", "a.name"], ["name", "a.b.name"]),
        ("**.name", ["user.name", "a.b.name"], ["name"]),
        ("a.*.c", ["a.b.c"], ["a.c", "a..c", "a.b.b.c"]),
        ("a.**.c", ["a.b.c", "a.b.b.c"], ["a.c"]),
        ("street*", ["street", "street1"], ["street.1"]),
        ("*street", ["a_street"], ["street"]),
        ("a*b", ["ab", "axb"], ["a.b"]),
        ("a+(b)*", ["a+(b)", "a+(b)c"], ["aab"]),
    ],
)
def test_a_pattern_matches_the_same_fields_as_in_casl(pattern: str, matching: list[str], other: list[str]) -> None:
    matches = field_matcher((pattern,))
    assert [name for name in matching if not matches(name)] == []
    assert [name for name in other if matches(name)] == []


def test_a_list_matches_the_fields_of_any_entry() -> None:
    matches = field_matcher(("name", "org.*"))
    assert matches("name")
    assert matches("org.id")
    assert not matches("names")
