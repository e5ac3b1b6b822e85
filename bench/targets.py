"""What `make bench` has measured, and what of this the service must reach."""

from collections.abc import Iterable, Sequence
from statistics import median
from typing import NamedTuple

from bench.bare import LITESTAR, RAW
from bench.mail import MAIL_RATE_MIN, MAILS, Delivery
from bench.measure import SIGN_INS, Load
from bench.report import Target, at_least, at_most, medians, print_table, ratios
from bench.rows import (
    HEALTH,
    HEALTH_NO_LOG,
    LANGUAGE,
    LANGUAGE_UNCACHED,
    SESSION,
    SESSION_NO_LOG,
    SESSION_UNCACHED,
    UNCHANGED,
    VERIFY,
)

# What each layer adds to the CPU time of a request: the difference of two rows.
LAYERS = (
    ("the server: a raw ASGI callable", RAW, None),
    ("Litestar: routing, the handler's call, the answer", LITESTAR, RAW),
    ("our own layers around a route, without the access log", HEALTH_NO_LOG, LITESTAR),
    ("the access log", HEALTH, HEALTH_NO_LOG),
    ("a session check from the cache", SESSION, HEALTH),
    ("the same without a cache: the principal is read", SESSION_UNCACHED, SESSION),
    ("a language: its guard and its row", LANGUAGE, SESSION),
    ("the same without a cache", LANGUAGE_UNCACHED, LANGUAGE),
)


class Measured(NamedTuple):
    """One entry per round: loads by row, rates of raw argon2id, reads alone and during sign-ins, delivery of mail."""

    loads: dict[str, list[Load]]
    raw: dict[str, list[float]]
    during_sign_ins: list[tuple[Load, Load]]
    deliveries: list[Delivery]


def targets_of(measured: Measured, lists: Iterable[str]) -> list[Target]:
    """The targets that the service has by itself; those beside other products are in `bench.peers`."""
    loads, deliveries = measured.loads, measured.deliveries

    def rate_to(name: str, base: str) -> float:
        return ratios(loads[name], loads[base]).rate

    return [
        at_least(HEALTH, 0.85, f"of the {LITESTAR}", rate_to(HEALTH, LITESTAR)),
        at_least(SESSION, 0.9, f"of the {LITESTAR}", rate_to(SESSION, LITESTAR)),
        at_least(VERIFY, 0.85, f"of {SESSION}", rate_to(VERIFY, SESSION)),
        at_least(UNCHANGED, 0.95, "of the same answered 200", rate_to(UNCHANGED, SESSION)),
        *[
            at_least(name, 0.9, "of raw argon2id", median(_pairs([load.rate for load in loads[name]], rates)))
            for name, rates in measured.raw.items()
        ],
        at_most(
            f"p99 of {SESSION}, during {SIGN_INS} concurrent sign-ins",
            3,
            "times its p99 alone",
            median([during.p99 / alone.p99 for alone, during in measured.during_sign_ins]),
        ),
        at_least(
            f"delivery of {MAILS:,} mails", MAIL_RATE_MIN, "a second", median([result.rate for result in deliveries])
        ),
        at_most(
            f"p99 of {SESSION}, during delivery of mail",
            2,
            "times its p99 alone",
            median([result.during_delivery.p99 / result.alone.p99 for result in deliveries]),
        ),
        *[
            at_most(
                f"p50 of {name}, last page",
                1.2,
                "times that of the first",
                ratios(loads[f"{name}, last page"], loads[f"{name}, first page"]).p50,
            )
            for name in lists
        ],
    ]


def print_layers(measured: Measured) -> None:
    """Print what each layer adds to the CPU time of a request."""
    rows = []
    for layer, name, base in LAYERS:
        with_it = [load.cpu for load in measured.loads[name]]
        without = [load.cpu for load in measured.loads[base]] if base else [0.0] * len(with_it)
        rows.append([layer, f"{median([one - other for one, other in zip(with_it, without, strict=True)]):,.0f}"])
    print_table(["layer", "CPU µs"], rows)


def print_others(measured: Measured) -> None:
    """Print what is not the load of one row."""
    rows = [
        [f"raw argon2id with the concurrency of {name}", f"{median(raw):.1f}/s"] for name, raw in measured.raw.items()
    ]
    for name, quiet in ((HEALTH, HEALTH_NO_LOG), (SESSION, SESSION_NO_LOG)):
        cost = 1 - ratios(measured.loads[name], measured.loads[quiet]).rate
        rows.append([f"cost of the access log, {name}", f"{cost:.0%}"])
    for index, state in enumerate(("alone", f"during {SIGN_INS} concurrent sign-ins")):
        p99 = medians([pair[index] for pair in measured.during_sign_ins]).p99
        rows.append([f"p99 of {SESSION}, {state}", f"{p99:.2f} ms"])
    rows.append(["mails delivered", f"{median([result.rate for result in measured.deliveries]):.1f}/s"])
    for state in ("alone", "during_delivery"):
        p99 = medians([getattr(result, state) for result in measured.deliveries]).p99
        rows.append([f"p99 of {SESSION}, measurement of mail: {state.replace('_', ' ')}", f"{p99:.2f} ms"])
    print_table(["other measurements", ""], rows)


def print_refusals(times: dict[str, float]) -> None:
    """Print the median times of refused sign-ins, which must not tell the kinds apart."""
    fastest = min(times.values())
    rows = [[kind, f"{value:.2f}", f"{value / fastest:.3f}"] for kind, value in times.items()]
    print_table(["refused sign-in", "p50 ms", "ratio to fastest"], rows)


def _pairs(values: Sequence[float], bases: Sequence[float]) -> list[float]:
    return [value / base for value, base in zip(values, bases, strict=True)]
