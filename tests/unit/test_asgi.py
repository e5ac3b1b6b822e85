"""The composition root: an app from the environment, made without touching the network."""

import pytest

from app.asgi import build, create_app
from app.clock import utc_now
from app.settings.load import SettingsError
from app.settings.model import Settings


def test_the_app_is_made_from_the_environment_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@nowhere.invalid/ostiary")
    assert callable(create_app())


def test_a_bad_setting_stops_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "http")
    with pytest.raises(SettingsError, match="PORT: expected"):
        create_app()


def test_two_apps_of_one_process_share_nothing() -> None:
    first, second = [build(Settings(database_url="postgresql:///unused")) for _ in range(2)]
    assert first.state.resources.database is not second.state.resources.database


def test_the_clock_of_operation_is_in_utc() -> None:
    offset = utc_now().utcoffset()
    assert offset is not None
    assert not offset
