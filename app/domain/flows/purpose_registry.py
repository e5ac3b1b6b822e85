"""The purposes of single-use keys: each file in `purposes/` declares one, and is imported automatically."""

from collections.abc import Iterable, Mapping
from importlib import import_module
from pkgutil import iter_modules

from app.domain.flows import purposes
from app.domain.flows.purpose import Purpose
from app.errors import Problem, invalid
from app.settings.model import Settings


def by_name(declared: Iterable[Purpose]) -> Mapping[str, Purpose]:
    """The purposes by their names. Raises `RuntimeError` for two purposes of one name."""
    found: dict[str, Purpose] = {}
    for purpose in declared:
        if found.setdefault(purpose.name, purpose) is not purpose:
            raise RuntimeError(f"two files in purposes/ declare the purpose {purpose.name}")
    return found


_FILES = [import_module(f"{purposes.__name__}.{file.name}") for file in iter_modules(purposes.__path__)]
PURPOSES = by_name(file.PURPOSE for file in _FILES)
# The purposes that clients can request keys for.
REQUESTABLE = sorted(purpose.name for purpose in PURPOSES.values() if purpose.request)


def requestable(name: str, settings: Settings) -> Purpose:
    """The purpose of this name, if clients can request keys for it.

    Raises `Problem`: `validation_failed`, `method_disabled`.
    """
    purpose = PURPOSES.get(name)
    if purpose is None or purpose.request is None:
        raise invalid("purpose", "invalid", f"One of {', '.join(REQUESTABLE)}")
    if not purpose.enabled(settings):
        raise Problem("method_disabled", "This deployment does not offer it.")
    return purpose
