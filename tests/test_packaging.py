"""pyproject.toml, environment.yml and requirements.lock pin the same versions of the same packages."""

import re
import tomllib

import yaml
from packaging.requirements import Requirement

from tests.checkouts import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def pins(lines):
    """Package name to version; every line has to be an exact pin."""
    found = {}
    for line in lines:
        name, version = re.fullmatch(r"([A-Za-z0-9._-]+)==([0-9][^;\s]*)", line.strip()).groups()
        found[re.sub(r"[-_.]+", "-", name).lower()] = version
    return found


def lock():
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    return pins(line for line in lines if line and not line.startswith("#"))


def test_environment_yml_pins_what_pyproject_pins():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    (pip,) = (entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    assert pins(pip) == pins(PROJECT["dependencies"])


def test_lock_has_every_dependency_at_its_version():
    wanted = pins([*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]])
    assert {name: lock().get(name) for name in wanted} == wanted


def test_lock_is_closed():
    """What a locked package needs on this platform is locked too: pip resolves nothing by itself."""
    from importlib.metadata import requires

    locked = lock()
    missing = {
        f"{package} needs {requirement}"
        for package in locked
        for requirement in map(Requirement, requires(package) or [])
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if re.sub(r"[-_.]+", "-", requirement.name).lower() not in locked
    }
    # setuptools comes with pip itself; CUDA's packages come with torch where it has CUDA.
    assert {
        line for line in missing if not re.search(r"needs (setuptools|nvidia|cuda|triton)", line)
    } == set()


def test_python_version_is_the_one_that_conda_gets():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert f">={environment['dependencies'][0].split('=')[1]}" == PROJECT["requires-python"]
