"""Plug-ins: a file each, with one class whose fields are its options and whose methods are what it does.

One registry serves all folders of plug-ins. Beside the package's own files it finds those of
`plugins/FOLDER/` in the working directory, so that a strategy, a loss or a first stage can be tried without
touching the package.
"""

import inspect
import pkgutil
import sys
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from sirbench.machine.errors import InputError
from sirbench.machine.manifest import sha256
from sirbench.study.reading import suggest
from sirbench.study.settings import Choice, Settings

OWN = Path("plugins")
"""Folder of the user's plug-ins, in the directory that the workflow runs in."""

PluginT = TypeVar("PluginT", bound="Plugin")


class Plugin(Settings):
    """The base of all plug-ins: a model of settings, found by the name of its file."""

    @classmethod
    def file_name(cls) -> str:
        """How config/ names this plug-in: the name of its file, with hyphens."""
        return cls.__module__.rpartition(".")[2].replace("_", "-")


def own_code(folder: str, *choices: Choice) -> dict[str, str]:
    """The sha256 of those plug-ins that are files of the user's, by path: what they train depends on it.

    The package's own files have revisions instead, as most edits of them change no result.
    """
    names = [choice if isinstance(choice, str) else str(choice.get("name")) for choice in choices]
    stems = [stem for name in names for stem in dict.fromkeys([name, name.replace("-", "_")])]
    paths = [path for stem in stems if (path := OWN / folder / f"{stem}.py").exists()]
    return {str(path): sha256(path) for path in paths}


class Registry(Generic[PluginT]):
    """The plug-ins of one folder, by name."""

    def __init__(self, package: str, base: type[PluginT], folder: str):
        """Serve the files of `package` that hold a class derived from `base`.

        Args:
            package: name of the Python package whose files, but not folders, are plug-ins.
            base: what the class of a file is derived from.
            folder: name of the folder below `plugins/` for the user's own.
        """
        self.package, self.base, self.folder = package, base, OWN / folder

    def names(self) -> list[str]:
        """All plug-ins, the user's own included; none of them is imported."""
        return sorted({*_files(self.package), *self._own()})

    def find(self, name: str) -> type[PluginT]:
        """The class of this name; `InputError` where there is no such file, or it does not hold one."""
        if name not in self.names():
            raise InputError(f"no plug-in {name!r} in {self.package}; {suggest(name, self.names())}")
        module = self._load(name)
        found = [
            value
            for value in vars(module).values()
            if isinstance(value, type)
            and issubclass(value, self.base)
            and value.__module__ == module.__name__
        ]
        if len(found) != 1:
            raise InputError(
                f"{module.__file__}: {len(found)} classes derived from {self.base.__name__}; "
                "a plug-in's file holds one"
            )
        if inspect.isabstract(found[0]):
            lacking = ", ".join(sorted(found[0].__abstractmethods__))
            raise InputError(f"{module.__file__}: {found[0].__name__} lacks {lacking}")
        return found[0]

    def make(self, choice: Choice, **others: Any) -> PluginT:
        """The plug-in that a key of config/ asks for, with its options set.

        Args:
            choice: its name, or a mapping of `name` and options.
            others: options that are said elsewhere.

        Raises:
            InputError: there is no such plug-in or option, or a value is not allowed; in one line.
        """
        given = {"name": choice} if isinstance(choice, str) else dict(choice)
        name = given.pop("name", None)
        if not isinstance(name, str):
            raise InputError(f"name: this key is missing; allowed: {', '.join(self.names())}")
        plugin = self.find(name)
        try:
            return plugin.model_validate({**given, **others})
        except ValidationError as error:
            raise InputError("; ".join(_explain(name, plugin, item) for item in error.errors())) from None

    def _own(self) -> dict[str, Path]:
        """The user's own files by name; one with a leading underscore is not a plug-in."""
        return {path.stem.replace("_", "-"): path for path in self.folder.glob("[!_]*.py")}

    def _load(self, name: str) -> ModuleType:
        stem, path = name.replace("-", "_"), self._own().get(name)
        if path is None:
            return import_module(f"{self.package}.{stem}")
        full_name = f"sirbench_plugins.{self.folder.name}.{stem}"
        loaded = sys.modules.get(full_name)
        if loaded is not None and loaded.__file__ == str(path.resolve()):
            return loaded
        spec = spec_from_file_location(full_name, path.resolve())
        assert spec is not None and spec.loader is not None, path
        module = sys.modules[full_name] = module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            del sys.modules[full_name]
            said = str(error).partition("\n")[0]
            raise InputError(f"{path}: cannot be imported: {type(error).__name__}: {said}") from error
        return module


@cache
def _files(package: str) -> list[str]:
    """The plug-ins of a package, which stays as it is while a process lasts."""
    modules = pkgutil.iter_modules(import_module(package).__path__)
    return [it.name.replace("_", "-") for it in modules if not it.ispkg]


def _explain(name: str, plugin: type[Plugin], error: Mapping[str, Any]) -> str:
    """What is wrong with one option of a plug-in."""
    option = ".".join(map(str, error["loc"]))
    if error["type"] == "extra_forbidden":
        return f"{option}: {name} has no such option; {suggest(option, plugin.model_fields)}"
    message = error["msg"].removeprefix("Value error, ")
    said = "" if isinstance(error["input"], (dict, list)) else f" (it says {error['input']!r})"
    return f"{option}: {message}{said}" if option else message
