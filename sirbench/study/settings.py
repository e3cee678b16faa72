"""The base of every model of config/, and the kinds of value that many of them have."""

import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

Choice = str | dict[str, Any]
"""How a file of config/ names a plug-in: `NAME`, or `{name: NAME, OPTION: VALUE}` to set its options."""

NAME = "^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$"
"""What a name may be: part of a path, of a target of Snakemake and a word of a shell's command."""

NAMES: JsonDict = {"propertyNames": {"pattern": NAME}}
"""What an editor's schema says of a mapping by name."""


def check_name(name: str) -> str:
    """The name; ValueError for one that is no plain file name."""
    if not re.fullmatch(NAME.removesuffix("$"), name):
        raise ValueError(
            f"{name[:80]!r} cannot be a name: a name is at most 64 letters, digits and any of . _ + -, and "
            "begins with a letter or a digit"
        )
    return name


def check_label(label: str) -> str:
    """The label; ValueError for one that is empty, has several lines, or is a formula to a spreadsheet."""
    if not label.strip() or len(label.splitlines()) > 1:
        raise ValueError("a label is one line that is not empty")
    if label.lstrip()[0] in "=+-@":
        raise ValueError(
            f"to a spreadsheet, what begins with {label.lstrip()[0]} is a formula; begin otherwise"
        )
    return label


def check_path(path: Path) -> Path:
    """The path; ValueError for one that no file system has."""
    if len(str(path)) > 1000 or any(len(part.encode()) > 255 for part in path.parts):
        raise ValueError("longer than the path of any file")
    return path


Name = Annotated[str, AfterValidator(check_name)]
"""What a study, a recipe, a table, a figure, a claim, candidates or a backbone is called."""

Label = Annotated[str, AfterValidator(check_label)]
"""What a row or a column of a table is called in print, and in CSV files."""

Seed = Annotated[int, Field(ge=0, lt=2**32)]
"""Of random draws; all libraries take these."""

GivenPath = Annotated[Path, Field(strict=False), AfterValidator(check_path)]
"""A path, which YAML has no type for."""


class Settings(BaseModel):
    """The base of every model here: unknown keys are refused, values do not change after loading.

    A value is of its own type: neither '12', which might as well be '1_2', nor true is a number, nor is .inf.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, strict=True, allow_inf_nan=False
    )
