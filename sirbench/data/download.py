"""Downloading published files: once, resumed after an interruption, and with the same bytes ever after.

A file appears under its name only when it is complete. Until then its bytes are in `NAME.part`, and
`NAME.part.json` says which version of the file they belong to. Its sha256 is in `NAME.sha256`, as `sha256sum`
writes it, and is recorded on first use if the source publishes none.

Libraries do less: pooch, torch.hub and ir_datasets do not resume after the process ends; pypdl resumes
without asking whether the file is still the same (`If-Range`); none records a checksum on first use.
"""

import fcntl
import json
import os
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError

from tqdm import tqdm

from sirbench import __version__
from sirbench.machine.atomic import atomic_file
from sirbench.machine.errors import InputError
from sirbench.machine.json_object import read_object
from sirbench.machine.manifest import sha256
from sirbench.study import RunFile

TIMEOUT = 30
"""Seconds without a byte after which a connection counts as lost."""
TRIES = 4
"""Connections in a row that may bring nothing new."""
WAIT = 2
"""Seconds between connections."""
AT_ONCE = 1 << 20
"""Bytes read at a time."""
FAILURES = (OSError, HTTPException)
"""What a failed connection raises; urllib's errors and timeouts are OSErrors."""


class Cut(OSError):
    """The connection ended before the file did."""


def fetch(file: RunFile) -> None:
    """Download a published file to its path unless it is there; in both cases check its size and checksum.

    Raises InputError, with what to do by hand, if the file is not available, and if it is not what the study
    or an earlier use says.
    """
    if file.path.exists():
        verify(file)
        return
    file.path.parent.mkdir(parents=True, exist_ok=True)
    part = _beside(file.path, ".part")
    with _locked(part):
        _fetch_all(file, part)
        try:
            found = _checked(file, part)
        except InputError:  # all of it is wrong: nothing to resume
            _remove(part)
            raise
        part.replace(file.path)
        _remove(part)
    _record(file, found)


def verify(file: RunFile) -> str:
    """The sha256 of an existing file, which is recorded beside it on first use.

    Raises InputError if the checksum or the size is not what the study or the record says.
    """
    found = _checked(file, file.path)
    _record(file, found)
    return found


def recorded(file: RunFile) -> str | None:
    """The sha256 recorded when the file was first used, or None."""
    with suppress(FileNotFoundError, IndexError):
        return _beside(file.path, ".sha256").read_text(encoding="utf-8").split()[0]
    return None


def by_hand(file: RunFile) -> str:
    """What to do on a machine without network."""
    known = file.sha256 or recorded(file)
    checksum = (
        f"its sha256 is {known}" if known else "its source publishes no checksum: it is recorded on first use"
    )
    return f"To put it there by hand, copy {file.url} to {file.path}; {checksum}"


def asked_size(file: RunFile) -> int | None:
    """The size that the server states without sending the file; None if it does not, or is not reached."""
    with suppress(*FAILURES), _open(file, "HEAD", {}, TIMEOUT / 3) as answer:
        length = answer.headers["Content-Length"]
        return int(length) if length is not None else None
    return None


def _fetch_all(file: RunFile, part: Path) -> None:
    """Fill `part`, continuing where a lost connection or an earlier call stopped."""
    tries = TRIES
    while True:
        before = part.stat().st_size
        try:
            return _fetch_rest(file, part)
        except FAILURES as error:
            tries = TRIES if part.stat().st_size > before else tries - 1
            if isinstance(error, HTTPError) and error.code == 416:
                if error.headers["Content-Range"] == f"bytes */{before}":
                    return  # complete, but not renamed
                os.truncate(part, 0)  # more bytes than the file has
            elif isinstance(error, HTTPError) and error.code < 500:
                tries = 0
            if not tries:
                raise InputError(_failed(file, error)) from error
        time.sleep(WAIT)


def _fetch_rest(file: RunFile, part: Path) -> None:
    """Append what one connection sends; `Cut` if the file is still not complete."""
    have, version = part.stat().st_size, _version_of(file, part)
    resume = {"Range": f"bytes={have}-", "If-Range": version} if have and version else {}
    with _open(file, "GET", resume, TIMEOUT) as answer:
        if answer.headers.get_content_type() == "text/html":
            raise InputError(_failed(file, "the server sent a web page"))
        resumed = answer.status == 206 and answer.headers["Content-Range"].startswith(f"bytes {have}-")
        if resume and answer.status == 206 and not resumed:
            raise Cut("the server sent another part than the one asked for")
        have, length = have if resumed else 0, answer.length
        if length is None and file.size is None and file.sha256 is None:
            raise InputError(
                f"{file.path}: {file.url} does not say how long it is, so an incomplete file would not be "
                "noticed; give size or sha256 in the study"
            )
        with part.open("r+b") as to:
            to.truncate(have)
            to.seek(have)
            # After the old bytes are gone: beside them, a new version would make a resume mix the two.
            version = answer.headers["ETag"] or answer.headers["Last-Modified"]
            _beside(part, ".json").write_text(json.dumps({"url": file.url, "version": version}))
            total = have + length if length else None
            with tqdm(None, file.path.name, total, unit="B", unit_scale=True, initial=have, delay=2) as bar:
                for data in iter(lambda: answer.read(AT_ONCE), b""):
                    to.write(data)
                    bar.update(len(data))
            to.flush()
            os.fsync(to.fileno())
            if length is not None and to.tell() != have + length:
                raise Cut(f"the connection ended after {to.tell()} of {have + length} bytes")


def _open(file: RunFile, method: str, headers: dict[str, str], timeout: float) -> HTTPResponse:
    assert file.url is not None
    headers = {"User-Agent": f"sirbench/{__version__}"} | headers
    request = urllib.request.Request(file.url, method=method, headers=headers)
    answer: HTTPResponse = urllib.request.urlopen(request, timeout=timeout)
    return answer


def _version_of(file: RunFile, part: Path) -> str | None:
    """The version of the file that `part` belongs to; None if unknown, or if its tag is a weak one."""
    with suppress(InputError):
        known = read_object(_beside(part, ".json"))
        version = known.get("version")
        if known.get("url") == file.url and isinstance(version, str) and not version.startswith("W/"):
            return version or None
    return None


def _checked(file: RunFile, path: Path) -> str:
    """The sha256 of what is at `path`. Raises InputError if it is not the file that was asked for."""
    remedy = "remove it and run `sirbench fetch`" if file.url else "put the right file there"
    size = path.stat().st_size
    if file.size not in (None, size):
        raise InputError(
            f"{file.path}: has {size} bytes, not {file.size} as the study says; {remedy}, or correct size in "
            "the study if this is the file you want"
        )
    found, record = sha256(path), _beside(file.path, ".sha256")
    for expected, says, where in (
        (file.sha256, "the study says", "sha256 in the study"),
        (recorded(file), "was recorded on first use", record),
    ):
        if expected not in (None, found):
            raise InputError(
                f"{file.path}: its sha256 is {found}, not {expected} as {says}; {remedy}, or correct {where} "
                "if this is the file you want"
            )
    return found


def _record(file: RunFile, found: str) -> None:
    if recorded(file) is None:
        with atomic_file(_beside(file.path, ".sha256")) as temporary:
            temporary.write_text(f"{found}  {file.path.name}\n", encoding="utf-8")


def _failed(file: RunFile, reason: object) -> str:
    return f"{file.path}: could not be fetched from {file.url} ({reason}). {by_hand(file)}"


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _remove(part: Path) -> None:
    part.unlink(missing_ok=True)
    _beside(part, ".json").unlink(missing_ok=True)


@contextmanager
def _locked(part: Path) -> Iterator[None]:
    """Keep other processes from writing to `part` meanwhile."""
    with part.open("ab") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InputError(f"{part}: another process is fetching it; wait for it") from error
        yield
