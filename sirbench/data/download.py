"""Published files: fetched once, resumed after a cut, and the same bytes ever after.

A file counts as there only once it is whole: until then its bytes are in `NAME.part`, with `NAME.part.json`
saying which version of the file they are of. Its sha256 is kept beside it in `NAME.sha256`, as `sha256sum`
writes it: recorded on first use where the source publishes none.

(ir_datasets' own downloader resumes within a process only, knows MD5 alone, and keeps no checksum for a file
that came without one.)
"""

import fcntl
import http.client
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from tqdm import tqdm

from sirbench import __version__
from sirbench.machine.atomic import atomic_file
from sirbench.machine.errors import InputError
from sirbench.machine.provenance import sha256
from sirbench.study import RunFile

TIMEOUT = 30
"""Seconds without a byte until a connection counts as lost."""
TRIES = 4
"""Connections in a row that may bring nothing new."""
WAIT = 2
"""Seconds between connections."""
AT_ONCE = 1 << 20
USER_AGENT = {"User-Agent": f"sirbench/{__version__}"}
FAILURES = (OSError, http.client.HTTPException)  # URLError and timeouts are OSErrors


class Cut(Exception):
    """The connection ended before the file did."""


def fetch(file: RunFile) -> None:
    """Bring a published file to its path, unless it is there; either way its checksum is compared.

    Raises InputError, with what to do by hand, if it cannot be had, and if it is not what its source or an
    earlier use of it says.
    """
    if not file.path.exists():
        file.path.parent.mkdir(parents=True, exist_ok=True)
        part = _beside(file.path, ".part")
        with _locked(part):
            _fetch_all(file, part)
            with _forgotten_if_wrong(part):
                _check_size(file, part)
                compare(file, sha256(part))
            part.replace(file.path)
            _forget(part)
    verify(file)


def verify(file: RunFile) -> str:
    """Return the sha256 of a file that is there, recorded beside it if this is its first use.

    Raises InputError if it, or the file's size, differs from what the study or the record says.
    """
    _check_size(file, file.path)
    found = sha256(file.path)
    compare(file, found)
    if recorded(file) is None:
        with atomic_file(_beside(file.path, ".sha256")) as temporary:
            temporary.write_text(f"{found}  {file.path.name}\n", encoding="utf-8")
    return found


def compare(file: RunFile, found: str) -> None:
    """Raise InputError if a sha256 is not the one that the study, or else the record of first use, has."""
    for expected, where in ((file.sha256, "the study says"), (recorded(file), "was recorded on first use")):
        if expected not in (None, found):
            record = _beside(file.path, ".sha256")
            raise InputError(
                f"{file.path}: its sha256 is {found}, not {expected} as {where}; {_remedy(file)}, or correct "
                f"{'sha256 in the study' if expected == file.sha256 else record} if this is the file you want"
            )


def recorded(file: RunFile) -> str | None:
    """The sha256 recorded when the file was first used, or None."""
    with suppress(FileNotFoundError, IndexError):
        return _beside(file.path, ".sha256").read_text(encoding="utf-8").split()[0]
    return None


def by_hand(file: RunFile) -> str:
    """What to do where there is no network."""
    known = file.sha256 or recorded(file)
    checksum = (
        f"its sha256 is {known}" if known else "its source publishes no checksum: it is recorded on first use"
    )
    return f"To put it there by hand, copy {file.url} to {file.path}; {checksum}"


def asked_size(file: RunFile) -> int | None:
    """The size that the server names without sending the file; None where it does not, or is not reached."""
    request = urllib.request.Request(file.url, method="HEAD", headers=USER_AGENT)
    with suppress(*FAILURES), urllib.request.urlopen(request, timeout=TIMEOUT / 3) as answer:
        return _length(answer)
    return None


def _fetch_all(file: RunFile, part: Path) -> None:
    """Fill `part`, going on where a cut connection, or an earlier call, left off."""
    tries = TRIES
    while True:
        before = part.stat().st_size
        try:
            return _fetch_rest(file, part)
        except urllib.error.HTTPError as error:
            if error.code == 416 and error.headers["Content-Range"] == f"bytes */{before}":
                return  # all of it was here, only not renamed
            if error.code == 416:  # more bytes here than there
                os.truncate(part, 0)
            elif error.code < 500:
                raise InputError(_failed(file, error)) from error
            failure: Exception = error
        except (Cut, *FAILURES) as error:
            failure = error
        tries = TRIES if part.stat().st_size > before else tries - 1
        if not tries:
            raise InputError(_failed(file, failure)) from failure
        time.sleep(WAIT)


def _fetch_rest(file: RunFile, part: Path) -> None:
    """One connection's worth; `Cut` if that is not the rest of the file."""
    have, version = part.stat().st_size, _version_of(file, part)
    resume = {"Range": f"bytes={have}-", "If-Range": version} if have and version else {}
    request = urllib.request.Request(file.url, headers=USER_AGENT | resume)
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
        if answer.headers.get_content_type() == "text/html":
            raise InputError(_failed(file, "the server sent a web page"))
        resumed = answer.status == 206 and answer.headers["Content-Range"].startswith(f"bytes {have}-")
        if resume and answer.status == 206 and not resumed:
            raise Cut("the server sent another part than was asked for")
        have, length = have if resumed else 0, _length(answer)
        if length is None and file.size is None and file.sha256 is None:
            raise InputError(
                f"{file.path}: {file.url} does not say how long it is, so a cut would not be noticed; "
                "give size or sha256 in the study"
            )
        version = answer.headers["ETag"] or answer.headers["Last-Modified"]
        with part.open("r+b") as to:
            to.truncate(have)
            to.seek(have)
            # Not before: with a new version beside old bytes, a resume would patch the two together.
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


def _version_of(file: RunFile, part: Path) -> str | None:
    """By what the server tells versions of the file apart, for what is in `part`; weak tags do not."""
    with suppress(FileNotFoundError, ValueError, KeyError):
        known = json.loads(_beside(part, ".json").read_text())
        if known["url"] == file.url and known["version"] and not known["version"].startswith("W/"):
            return known["version"]
    return None


def _check_size(file: RunFile, path: Path) -> None:
    size = path.stat().st_size
    if file.size not in (None, size):
        raise InputError(
            f"{file.path}: has {size} bytes, not {file.size} as the study says; {_remedy(file)}, or correct "
            "size in the study if this is the file you want"
        )


def _remedy(file: RunFile) -> str:
    return "remove it and run `sirbench fetch`" if file.url else "put the right file there"


def _failed(file: RunFile, reason: object) -> str:
    return f"{file.path}: could not be fetched from {file.url} ({reason}). {by_hand(file)}"


def _length(answer: http.client.HTTPResponse) -> int | None:
    length = answer.headers["Content-Length"]
    return int(length) if length is not None else None


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _beside(part, ".json").unlink(missing_ok=True)


@contextmanager
def _forgotten_if_wrong(part: Path) -> Iterator[None]:
    """Remove `part` on an error: what is wrong from end to end is not to be resumed."""
    try:
        yield
    except InputError:
        _forget(part)
        raise


@contextmanager
def _locked(part: Path) -> Iterator[BinaryIO]:
    """Keep others from writing to `part` meanwhile."""
    with part.open("ab") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InputError(f"{part}: another process is fetching it; wait for it") from error
        yield held
