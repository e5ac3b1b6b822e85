"""What the tests of real processes share."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def work_dir() -> Iterator[Path]:
    """A directory that any account can pass through; pytest keeps its own closed."""
    with tempfile.TemporaryDirectory(prefix="ostiary-test-") as directory:
        Path(directory).chmod(0o711)
        yield Path(directory)
