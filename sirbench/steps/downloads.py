"""Verbs `downloads` and `fetch`: the published runs of a study, listed, and downloaded on request."""

from collections.abc import Iterator

from sirbench.data import download
from sirbench.jobs.configuration import Configuration
from sirbench.machine.errors import InputError
from sirbench.study import GivenRuns, RunFile


def list_downloads(config: Configuration, candidates: str | None = None) -> str:
    """What `fetch` would download: a paragraph per file, with state, size, checksum and terms of use.

    A missing file for which the study has no address gets a line too.
    """
    given = list(_given_files(config, candidates))
    files = [(name, file) for name, file, _ in given if file.url]
    by_hand = [
        f"{name}: missing, and no address is known; to be put at {file.path}. {source}".rstrip()
        for name, file, source in given
        if not file.url and not file.path.exists()
    ]
    if not files:
        return "\n".join([*by_hand, f"{config.name}: no published runs to fetch"])
    sizes = {name: _size(file) for name, file in files if not file.path.exists()}
    parts = [_describe(name, file, sizes.get(name)) for name, file in files]
    known = [size for size in sizes.values() if size is not None]
    total = [
        f"{len(sizes)} of {len(files)} to fetch",
        *([_bytes(sum(known))] if known else []),
        *([f"{len(sizes) - len(known)} of unknown size"] if len(known) < len(sizes) else []),
    ]
    return "\n".join([*parts, *by_hand, ", ".join(total)])


def fetch_downloads(config: Configuration, candidates: str | None = None) -> None:
    """Download every published run to its path; an interrupted download is resumed."""
    for _, file, _ in _given_files(config, candidates):
        if file.url:
            download.fetch(file)


def _given_files(config: Configuration, candidates: str | None) -> Iterator[tuple[str, RunFile, str]]:
    """Name (`hdct train`), file and source of every given run of the study, or of some candidates."""
    for name, spec in config.study.candidates.items():
        if isinstance(spec, GivenRuns) and candidates in (None, name):
            yield from ((f"{name} {split}", file, spec.source) for split, file in spec.files.items())


def _describe(name: str, file: RunFile, size: int | None) -> str:
    if file.path.exists() and not file.path.is_file():
        raise InputError(f"{file.path}: not a regular file")
    if file.path.exists():
        state = f"there, {_bytes(file.path.stat().st_size)}"
    else:
        part = file.path.with_name(file.path.name + ".part")
        begun = f", {_bytes(part.stat().st_size)} of it here" if part.exists() else ""
        state = f"to fetch, {_bytes(size) if size is not None else 'size unknown'}{begun}"
    recorded = download.recorded(file)
    checksum = (
        f"{file.sha256} (the study's)"
        if file.sha256
        else f"{recorded} (recorded on first use)"
        if recorded
        else "not published, recorded on first use"
    )
    lines = {"from": file.url, "to": file.path, "sha256": checksum, "licence": file.licence}
    return "\n".join([f"{name}: {state}", *(f"  {key:8} {value}" for key, value in lines.items())])


def _size(file: RunFile) -> int | None:
    return file.size or download.asked_size(file)


def _bytes(size: int) -> str:
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{size} bytes"
