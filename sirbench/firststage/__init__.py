"""First stages, found by name: a new one is one new file here with a function `retrieve`."""

import pkgutil
from collections.abc import Callable
from importlib import import_module

import pandas as pd

from sirbench.errors import InputError


def first_stage(name: str) -> Callable[..., pd.DataFrame]:
    """The function `retrieve` of the module `name` in this package: documents and queries in, a run out."""
    known = sorted(module.name for module in pkgutil.iter_modules(__path__))
    if name not in known:
        raise InputError(f"there is no first stage {name!r}; known: {', '.join(known)}")
    return import_module(f"{__name__}.{name}").retrieve
