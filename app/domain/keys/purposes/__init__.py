"""What single-use keys are for: each module here is one purpose, found by being here."""

from importlib import import_module
from pkgutil import iter_modules

from app.domain.keys.purpose import Purpose

PURPOSES: dict[str, Purpose] = {
    purpose.name: purpose
    for purpose in (import_module(f"{__name__}.{module.name}").PURPOSE for module in iter_modules(__path__))
}
