"""A model of facts that change while several workers answer: which values may an answer show, by the window alone?"""

import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from msgspec import Struct

from app.postgres.listener import CURRENT_SECONDS

# Requests take less. Older versions are forgotten.
REQUEST_SECONDS = 30.0

V = TypeVar("V")
Worker = TypeVar("Worker", bound=Hashable)


class Version(Struct, Generic[V, Worker]):
    """A value, when its change began and was acknowledged, and by which worker; None for plain SQL."""

    value: V
    began_at: float
    acknowledged_at: float = float("inf")
    by: Worker | None = None


class Fact(Generic[V, Worker]):
    """The versions of one value. Changes of it must not overlap."""

    def __init__(self, value: V) -> None:
        self._versions: list[Version[V, Worker]] = [Version(value, float("-inf"), float("-inf"))]

    @property
    def present(self) -> V:
        """The value after the last change."""
        return self._versions[-1].value

    def begin(self, value: V) -> Version[V, Worker]:
        """Note that a change has begun. Its acknowledgement is to be noted with `acknowledge`."""
        now = time.monotonic()
        gone = [each for each in self._versions if each.acknowledged_at < now - CURRENT_SECONDS - REQUEST_SECONDS]
        del self._versions[: len(gone) - 1]
        self._versions.append(Version(value, now))
        return self._versions[-1]

    def may_be(self, allows: Callable[[V], bool], worker: Worker, began_at: float, ended_at: float) -> bool:
        """Whether an answer of the worker to a request of this span may show a value that `allows` accepts.

        Another worker may answer as before a change until `CURRENT_SECONDS` after it. The worker that made the change
        may not, once it has acknowledged it.
        """
        for version in reversed(self._versions):
            if version.began_at <= ended_at and allows(version.value):
                return True
            window = 0 if version.by == worker else CURRENT_SECONDS
            if version.acknowledged_at + window <= began_at:
                return False
        return False

    def __repr__(self) -> str:
        return repr(self._versions[-4:])


def acknowledge(versions: list[Version[V, Worker]], by: Worker | None) -> None:
    """Note that the changes have been answered."""
    for version in versions:
        version.acknowledged_at, version.by = time.monotonic(), by
