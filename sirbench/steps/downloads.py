"""Steps `downloads` and `fetch`: what a study takes from others, shown; and brought here, when asked to."""

from collections.abc import Iterator

from sirbench.config import Configuration
from sirbench.data import download
from sirbench.study import GivenRuns, RunFile


def published_files(config: Configuration, candidates: str | None = None) -> Iterator[tuple[str, RunFile]]:
    """Name (`hdct train`) and description of every published run of the study, or of some candidates."""
    for name, spec in config.study.candidates.items():
        if isinstance(spec, GivenRuns) and candidates in (None, name):
            for split, file in spec.files.items():
                if file.url:
                    yield f"{name} {split}", file


def list_downloads(config: Configuration, candidates: str | None = None) -> str:
    """What `fetch` would bring: a paragraph a file, with state, size, checksum and terms of use."""
    files = list(published_files(config, candidates))
    if not files:
        return f"{config.name}: no published runs to fetch"
    sizes = [None if file.path.exists() else _size(file) for _, file in files]
    parts = [_describe(name, file, size) for (name, file), size in zip(files, sizes, strict=True)]
    missing = sum(not file.path.exists() for _, file in files)
    unknown = sum(size is None for size in sizes) - (len(files) - missing)
    total = f"{missing} of {len(files)} to fetch, {_bytes(sum(size or 0 for size in sizes))}"
    return "\n".join([*parts, total + (f" and {unknown} of unknown size" if unknown else "")])


def fetch_downloads(config: Configuration, candidates: str | None = None) -> None:
    """Bring every published run to its place; a cut download is resumed."""
    for _, file in published_files(config, candidates):
        download.fetch(file)


def _describe(name: str, file: RunFile, size: int | None) -> str:
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
