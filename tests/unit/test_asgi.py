"""The composition root: the app is built from the environment, without network access."""

import pytest

from app.asgi import build, create_app
from app.clock import utc_now
from app.settings.load import SettingsError
from app.settings.model import Settings


def test_the_app_is_built_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@nowhere.invalid/ostiary")
    assert callable(create_app())


def test_an_invalid_setting_raises_settings_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "http")
    with pytest.raises(SettingsError, match="PORT: expected"):
        create_app()


def test_two_apps_in_one_process_have_different_databases() -> None:
    first, second = [build(Settings(database_url="postgresql:///unused")) for _ in range(2)]
    assert first.state.resources.database is not second.state.resources.database


def test_the_clock_of_the_service_is_in_utc() -> None:
    offset = utc_now().utcoffset()
    assert offset is not None
    assert not offset
