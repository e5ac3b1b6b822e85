"""The registry of purposes."""

import msgspec
import pytest

from app.domain.flows.purpose_registry import PURPOSES, by_name


def test_two_purposes_of_one_name_stop_the_start() -> None:
    twice = [*PURPOSES.values(), msgspec.structs.replace(PURPOSES["sign_in"], code=None)]
    with pytest.raises(RuntimeError, match="two files in purposes/ declare the purpose sign_in"):
        by_name(twice)
