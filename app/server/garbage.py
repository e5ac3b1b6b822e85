"""Garbage collection in a worker."""

import gc


def collect_garbage_rarely() -> None:
    """Exclude the objects of the start from garbage collection, and collect rarely: requests create few cycles.

    This saves 20 to 33 % of the CPU time of a request.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
