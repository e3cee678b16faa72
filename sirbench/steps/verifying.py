"""Verb `verify`: everything of a study that has a manifest, read through."""

from tqdm import tqdm

from sirbench.jobs.configuration import Configuration
from sirbench.jobs.layout import Layout
from sirbench.machine.errors import InputError
from sirbench.machine.manifest import check_manifest, with_manifests


def verify(config: Configuration) -> int:
    """How many files and folders are as they were written; `InputError` with all that are not."""
    paths = with_manifests(Layout(config.name).root)
    wrong = []
    for path in tqdm(paths, f"verify {config.name}", unit=" artefacts", delay=2):
        try:
            check_manifest(path, thorough=True)
        except InputError as error:
            wrong.append(str(error))
    if wrong:
        raise InputError("\n".join([f"{len(wrong)} of {len(paths)} are not as they were written:", *wrong]))
    return len(paths)
