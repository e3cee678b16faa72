"""The base of every model of config/, and what a folder of the package registers by its files."""

import ast
import pkgutil
from pathlib import Path

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """The base of every model here: unknown keys are refused, values do not change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def registered(package: str) -> list[str]:
    """What a folder of the package registers by its files, e.g. every loss in `strategies/losses`.

    The folder is listed, not imported: importing losses would import torch.
    """
    folder = Path(__file__).parents[1] / package
    return sorted(
        module.name.replace("_", "-") for module in pkgutil.iter_modules([str(folder)]) if not module.ispkg
    )


def defines(package: str, name: str, function: str) -> bool:
    """Whether a registered file has a function of this name; it is read, not imported, as above."""
    return bool(_functions(package, name, function))


def options(package: str, name: str, function: str) -> list[str]:
    """The keyword-only parameters of that function: what a file of config/ may set."""
    (found,) = _functions(package, name, function)
    return [argument.arg for argument in found.args.kwonlyargs]


def _functions(package: str, name: str, function: str) -> list[ast.FunctionDef]:
    path = Path(__file__).parents[1] / package / f"{name.replace('-', '_')}.py"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == function]
