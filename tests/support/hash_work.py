"""How many hashes the service has computed: every one is a question to a hash process, which numbers its questions."""

from app.auth.passwords.hasher import SecretHasher


def hashes_computed(hasher: SecretHasher) -> int:
    """The questions that the hasher has put to its processes so far."""
    return sum(process._asked for process in hasher._loads)
