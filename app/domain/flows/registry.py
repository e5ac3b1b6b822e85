"""What single-use keys are for: each module in `purposes/` is one purpose, found by being there."""

from importlib import import_module
from pkgutil import iter_modules

from app.domain.flows import purposes
from app.domain.flows.purpose import Purpose

PURPOSES: dict[str, Purpose] = {
    purpose.name: purpose
    for purpose in (
        import_module(f"{purposes.__name__}.{module.name}").PURPOSE for module in iter_modules(purposes.__path__)
    )
}
