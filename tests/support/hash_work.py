"""How much work hash processes have done: hashes and estimates are requests to them, and requests are numbered."""

from app.auth.passwords.hasher import SecretHasher


def hashes_computed(hasher: SecretHasher) -> int:
    """The number of requests that the hasher has sent to its processes so far."""
    return sum(process._last_number for process in hasher._loads)
