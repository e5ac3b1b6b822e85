"""Prints the measurements as tables of GitHub's markdown, and whether each target is met."""

import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from statistics import median
from typing import NamedTuple

from bench.measure import Load

PACKAGES = ("granian", "litestar", "msgspec", "asyncpg", "uvloop")
BUSY_LOAD = 0.5


class Target(NamedTuple):
    """A number that the service must reach."""

    name: str
    wanted: str
    measured: float
    met: bool


def at_least(name: str, wanted: float, unit: str, measured: float) -> Target:
    """A target that values of at least `wanted` meet."""
    return Target(name, f">= {wanted:g} {unit}", measured, measured >= wanted)


def at_most(name: str, wanted: float, unit: str, measured: float) -> Target:
    """A target that values of at most `wanted` meet."""
    return Target(name, f"<= {wanted:g} {unit}", measured, measured <= wanted)


def medians(loads: Sequence[Load]) -> Load:
    """The median of each measurement over all rounds."""
    return Load(*[median([load[index] for load in loads]) for index in range(len(Load._fields))])


def ratios(loads: Sequence[Load], base: Sequence[Load]) -> Load:
    """The medians, over all rounds, of the ratios of `loads` to `base` in the same round."""
    pairs = list(zip(loads, base, strict=True))
    return Load(*[median([load[index] / other[index] for load, other in pairs]) for index in range(len(Load._fields))])


def print_machine() -> None:
    """Print the machine and the versions of what a request passes, with a warning if the machine is busy."""
    if (busy := os.getloadavg()[0]) > BUSY_LOAD:
        print(f"This machine is busy (load {busy:.1f}): repeat the benchmark when its load is below {BUSY_LOAD}.")
    packages = ", ".join([f"{name} {version(name)}" for name in PACKAGES])
    system = f"{len(os.sched_getaffinity(0))} cores, {platform.system()} {platform.release()}"
    print(f"{system}, Python {platform.python_version()}, {packages}", flush=True)


def print_loads(title: str, seen: Mapping[str, Sequence[Load]], rates: Mapping[str, Mapping[str, float]]) -> None:
    """Print the medians of all rounds, a row for each name. `rates` are further columns: by header, ratios by name."""
    rows = []
    for name, loads in seen.items():
        rate, p50, p99, cpu, memory = medians(loads)
        cells = [f"{rate:,.0f}", f"{p50:,.2f}", f"{p99:,.2f}", f"{cpu:,.0f}", f"{memory:,.0f}"]
        rows.append([name, *cells, *[f"{column[name]:.2f}" if name in column else "" for column in rates.values()]])
    print_table([title, "req/s", "p50 ms", "p99 ms", "CPU µs", "memory MB", *rates], rows)


def rates_to(seen: Mapping[str, Sequence[Load]], base: str) -> dict[str, float]:
    """The ratio of the rate of each name to that of `base`."""
    return {name: ratios(loads, seen[base]).rate for name, loads in seen.items()}


def print_targets(targets: Sequence[Target]) -> None:
    """Print each target with the measured value."""
    rows = [[item.name, item.wanted, f"{item.measured:.2f}", "met" if item.met else "NOT MET"] for item in targets]
    print_table(["target", "wanted", "measured", ""], rows)


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table of markdown: the first column left-aligned and the others right-aligned."""
    widths = [max(3, *map(len, column)) for column in zip(header, *rows, strict=True)]
    line = [f"{'-' * widths[0]}", *[f"{'-' * (width - 1)}:" for width in widths[1:]]]
    print()
    for name, *cells in (header, line, *rows):
        shown = [cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True)]
        print(f"| {' | '.join([name.ljust(widths[0]), *shown])} |", flush=True)
