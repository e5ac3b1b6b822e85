"""How the measurements are shown: aligned tables, and whether each target is met."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import NamedTuple

from bench.measure import Load


class Target(NamedTuple):
    """A number that the service must reach."""

    what: str
    wanted: str
    measured: float
    met: bool


def at_least(what: str, wanted: float, of: str, measured: float) -> Target:
    """A target that is met from `wanted` up."""
    return Target(what, f">= {wanted:g} {of}", measured, measured >= wanted)


def below(what: str, wanted: float, of: str, measured: float) -> Target:
    """A target that is met under `wanted`."""
    return Target(what, f"< {wanted:g} times {of}", measured, measured < wanted)


def ratios(loads: Sequence[Load], bare: Sequence[Load]) -> Load:
    """The medians of each round's numbers as ratios to those of the bare route in the same round."""
    pairs = list(zip(loads, bare, strict=True))
    return Load(*[median([one[index] / base[index] for one, base in pairs]) for index in range(3)])


def print_loads(seen: Mapping[str, Sequence[Load]], bare: str) -> None:
    """The medians of all rounds, each beside its ratio to the route `bare`."""
    rows = []
    for name, loads in seen.items():
        medians = [median([one[index] for one in loads]) for index in range(3)]
        cells = zip(medians, ratios(loads, seen[bare]), strict=True)
        rows.append([name, *[text for value, ratio in cells for text in (f"{value:,.1f}", f"{ratio:.2f}")]])
    print_table(["", "req/s", "of bare", "p50 ms", "of bare", "p99 ms", "of bare"], rows)


def print_targets(targets: Sequence[Target]) -> None:
    """What the service must reach, and what it has reached."""
    rows = [[item.what, item.wanted, f"{item.measured:.2f}", "met" if item.met else "NOT MET"] for item in targets]
    print_table(["target", "wanted", "measured", ""], rows)


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """The first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    print()
    for name, *cells in (header, *rows):
        shown = [cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True)]
        print("  ".join([name.ljust(widths[0]), *shown]).rstrip(), flush=True)
