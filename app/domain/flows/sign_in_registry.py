"""The sign-in methods: each file in `sign_in/` except `controllers.py` declares one, and is imported automatically."""

from functools import reduce
from importlib import import_module
from operator import or_
from pkgutil import iter_modules
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from app.domain.flows import sign_in
from app.domain.flows.sign_in_method import SignInMethod

ROUTES = "controllers"

_NAMES = [file.name for file in iter_modules(sign_in.__path__) if file.name != ROUTES]
METHODS: list[SignInMethod] = [import_module(f"{sign_in.__name__}.{name}").METHOD for name in _NAMES]
BY_CREDENTIALS = {method.credentials: method for method in METHODS}
BY_PROOF = {method.proof: method.reauthenticate for method in METHODS if method.proof and method.reauthenticate}

if TYPE_CHECKING:
    SignInInput: TypeAlias = Struct
    ReauthenticationInput: TypeAlias = Struct
else:
    # Tagged unions: the field `method` of a body selects its Struct.
    SignInInput = reduce(or_, BY_CREDENTIALS)
    ReauthenticationInput = reduce(or_, BY_PROOF)
