import pytest

from app.ability.field_patterns import field_matcher


@pytest.mark.parametrize(
    ("pattern", "covered", "not_covered"),
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
def test_a_pattern_covers_what_casl_says(pattern: str, covered: list[str], not_covered: list[str]) -> None:
    covers = field_matcher((pattern,))
    assert [name for name in covered if not covers(name)] == []
    assert [name for name in not_covered if covers(name)] == []


def test_a_list_covers_what_any_of_its_entries_covers() -> None:
    covers = field_matcher(("name", "org.*"))
    assert covers("name")
    assert covers("org.id")
    assert not covers("names")
