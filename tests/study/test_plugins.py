"""Every plug-in of the package: found by its name, with documented options, and without importing torch."""

import subprocess
import sys
from pkgutil import resolve_name

import pytest

REGISTRIES = [
    "sirbench.strategies:STRATEGIES",
    "sirbench.strategies.losses:LOSSES",
    "sirbench.firststage:FIRST_STAGES",
    "sirbench.firststage.dual_encoder.negatives:POLICIES",
    "sirbench.backbones.objectives:OBJECTIVES",
    "sirbench.reporting.figures:KINDS",
]
WITHOUT_REQUIRED_OPTIONS = REGISTRIES[1:5]
SLOW = ("torch", "transformers", "matplotlib", "sklearn", "bm25s")
"""What takes seconds to import: every reading of config/ would have to wait for it."""

CODE = """
import sys
from pkgutil import resolve_name
registry = resolve_name(sys.argv[1])
for name in registry.names():
    registry.find(name)
print(*(name for name in sys.argv[2:] if name in sys.modules))
"""


@pytest.mark.parametrize("place", REGISTRIES)
def test_finding_a_plugin_imports_nothing_slow(place):
    command = [sys.executable, "-c", CODE, place, *SLOW]
    assert subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip() == ""


@pytest.mark.parametrize("place", WITHOUT_REQUIRED_OPTIONS)
def test_every_option_has_a_default(place):
    registry = resolve_name(place)
    for name in registry.names():
        assert registry.make(name).file_name() == name


@pytest.mark.parametrize("place", REGISTRIES)
def test_every_option_says_what_it_is(place):
    registry = resolve_name(place)
    options = {
        f"{name}.{option}": field.description
        for name in registry.names()
        for option, field in registry.find(name).model_fields.items()
    }
    assert [option for option, description in options.items() if not description] == []
