"""The values that were used last, up to a total size."""

from collections import OrderedDict
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Values by key, of sizes whose sum is at most `size_max`. Those that were used least recently go first."""

    def __init__(self, size_max: int) -> None:
        self._size_max = size_max
        self._size = 0
        self._values: OrderedDict[K, tuple[V, int]] = OrderedDict()

    def get(self, key: K) -> V | None:
        """The value of the key, if it is there."""
        found = self._values.get(key)
        if found is None:
            return None
        self._values.move_to_end(key)
        return found[0]

    def put(self, key: K, value: V, size: int) -> None:
        """Keep the value of a key that has none."""
        self._values[key] = value, size
        self._size += size
        while self._size > self._size_max:
            _, (_, dropped) = self._values.popitem(last=False)
            self._size -= dropped
