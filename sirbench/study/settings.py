"""The base of every model of config/."""

from typing import Any

from pydantic import BaseModel, ConfigDict

Choice = str | dict[str, Any]
"""How a file of config/ names a plug-in: `NAME`, or `{name: NAME, OPTION: VALUE}` to set its options."""


class Settings(BaseModel):
    """The base of every model here: unknown keys are refused, values do not change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
