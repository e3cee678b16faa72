"""A checkpoint of the Hugging Face hub."""

from collections.abc import Callable, Iterable
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

from sirbench.backbones.folder import WANTED, copy_checkpoint
from sirbench.errors import InputError
from sirbench.study import HubBackbone


def make(spec: HubBackbone, folder: Path, texts: Callable[[], Iterable[str]]) -> None:
    """Download (or take from the local hub cache) and copy the files that matter."""
    try:
        snapshot = snapshot_download(
            spec.name, revision=spec.revision, allow_patterns=[*WANTED, "*.bin"], ignore_patterns=["*.bin"]
        )
    except (RepositoryNotFoundError, LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise InputError(
            f"backbones.*.name: {spec.name} (revision {spec.revision}) could not be had from the hub: {error}\n"
            f"Without network, download it elsewhere (`hf download {spec.name}`) and use `source: folder`."
        ) from error
    copy_checkpoint(Path(snapshot), folder)
