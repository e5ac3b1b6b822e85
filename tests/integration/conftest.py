"""What the tests of real processes share, and the deployments that differ in their ways to sign in."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.world import World, running, settings_for


@pytest.fixture
def work_dir() -> Iterator[Path]:
    """A directory that any account can pass through; pytest keeps its own closed."""
    with tempfile.TemporaryDirectory(prefix="ostiary-test-") as directory:
        Path(directory).chmod(0o711)
        yield Path(directory)


@pytest.fixture(scope="session")
async def shared_open_world(shared_world: World, database_url: str) -> AsyncIterator[World]:
    """The service without passwords where anybody may sign up, started once."""
    settings = settings_for(database_url, SIGN_IN_METHODS="code", SIGN_UP="open")
    async with running(settings, shared_world.clock) as open_world:
        yield open_world


@pytest.fixture
async def open_world(world: World, shared_open_world: World) -> AsyncIterator[World]:
    """`SIGN_IN_METHODS=code` and `SIGN_UP=open`, on an empty database. The fixture `world` is the other deployment."""
    assert world.clock is shared_open_world.clock
    yield shared_open_world
    await shared_open_world.services.sessions.settle()


@pytest.fixture(params=["code, open", "password and code, invite"])
def either(request: pytest.FixtureRequest, world: World, open_world: World) -> World:
    """One deployment, then the other."""
    return open_world if request.param == "code, open" else world
