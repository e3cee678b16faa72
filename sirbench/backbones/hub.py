"""A checkpoint of the Hugging Face hub."""

from collections.abc import Callable, Iterable
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError

from sirbench.backbones.folder import WANTED, copy_checkpoint, has_weights
from sirbench.machine.errors import InputError
from sirbench.study import HubBackbone


def make(spec: HubBackbone, folder: Path, texts: Callable[[], Iterable[str]]) -> None:
    """Download (or take from the local hub cache) and copy the files that matter."""
    model = f"{spec.name} (revision {spec.revision})"
    try:
        snapshot = Path(snapshot_download(spec.name, revision=spec.revision, allow_patterns=list(WANTED)))
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        raise InputError(
            f"backbones.*.name: {model} could not be had from the hub: {error}\n"
            f"Without network, download it elsewhere (`hf download {spec.name}`) and use `source: folder`."
        ) from error
    if not has_weights(snapshot):
        raise InputError(
            f"backbones.*.name: {model} has no .safetensors weights, and a pickle could run any code. Use a "
            "conversion where its page has one among its pull requests (`revision: refs/pr/1`), or, if "
            "you trust it, AutoModel.from_pretrained(NAME).save_pretrained(FOLDER) and `source: folder`"
        )
    copy_checkpoint(snapshot, folder)
