"""Prints the measurements: aligned tables, and whether each target is met."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import NamedTuple

from bench.measure import Load


class Target(NamedTuple):
    """A number that the service must reach."""

    name: str
    wanted: str
    measured: float
    met: bool


def at_least(name: str, wanted: float, unit: str, measured: float) -> Target:
    """A target that values of at least `wanted` meet."""
    return Target(name, f">= {wanted:g} {unit}", measured, measured >= wanted)


def below(name: str, wanted: float, unit: str, measured: float) -> Target:
    """A target that values below `wanted` meet."""
    return Target(name, f"< {wanted:g} times {unit}", measured, measured < wanted)


def ratios(loads: Sequence[Load], bare: Sequence[Load]) -> Load:
    """The medians, over all rounds, of the ratios of `loads` to the loads of the bare route in the same round."""
    pairs = list(zip(loads, bare, strict=True))
    return Load(*[median([load[index] / base[index] for load, base in pairs]) for index in range(3)])


def print_loads(seen: Mapping[str, Sequence[Load]], bare: str) -> None:
    """Print the medians of all rounds, each with its ratio to the route `bare`."""
    rows = []
    for name, loads in seen.items():
        medians = [median([load[index] for load in loads]) for index in range(3)]
        cells = zip(medians, ratios(loads, seen[bare]), strict=True)
        rows.append([name, *[text for value, ratio in cells for text in (f"{value:,.1f}", f"{ratio:.2f}")]])
    print_table(["", "req/s", "of bare", "p50 ms", "of bare", "p99 ms", "of bare"], rows)


def print_targets(targets: Sequence[Target]) -> None:
    """Print each target with the measured value."""
    rows = [[item.name, item.wanted, f"{item.measured:.2f}", "met" if item.met else "NOT MET"] for item in targets]
    print_table(["target", "wanted", "measured", ""], rows)


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print the first column left-aligned and the others right-aligned."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    print()
    for name, *cells in (header, *rows):
        shown = [cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True)]
        print("  ".join([name.ljust(widths[0]), *shown]).rstrip(), flush=True)
