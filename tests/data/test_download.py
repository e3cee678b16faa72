"""Downloads: whole or not at all, resumed after a cut, the same bytes ever after."""

import hashlib
import json
import multiprocessing
import time
from pathlib import Path

import pytest

from sirbench.data import download
from sirbench.data.download import asked_size, fetch, recorded, verify
from sirbench.machine.errors import InputError
from sirbench.study import RunFile
from tests.data.server import CONTENT, Server

SHA256 = hashlib.sha256(CONTENT).hexdigest()
WRONG = "0" * 64
WHOLE = ("GET", None)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(download, "WAIT", 0)


@pytest.fixture
def server():
    server = Server()
    yield server
    server.close()


@pytest.fixture
def file(server, tmp_path):
    return RunFile(path=tmp_path / "candidates" / "run.tsv", format="ranks", url=server.url)


def files_beside(file):
    return sorted(path.name for path in file.path.parent.iterdir())


def half_here(server, file, bytes_here=20_000):
    """A download that ended half-way, as a killed process leaves it."""
    part = file.path.with_name("run.tsv.part")
    file.path.parent.mkdir()
    part.write_bytes(CONTENT[:bytes_here])
    part.with_name("run.tsv.part.json").write_text(json.dumps({"url": file.url, "version": server.etag}))


def test_a_file_comes_whole_and_its_checksum_is_recorded_beside_it(server, file):
    fetch(file)
    assert file.path.read_bytes() == CONTENT
    assert files_beside(file) == ["run.tsv", "run.tsv.sha256"]
    assert (file.path.parent / "run.tsv.sha256").read_text() == f"{SHA256}  run.tsv\n"
    assert recorded(file) == SHA256


def test_a_file_that_is_there_is_not_fetched_again(server, file):
    fetch(file)
    fetch(file)
    assert server.requests == [WHOLE]


def test_a_cut_connection_is_resumed(server, file):
    server.cuts = [20_000, 45_000]
    fetch(file)
    assert file.path.read_bytes() == CONTENT
    assert server.requests == [WHOLE, ("GET", "bytes=20000-"), ("GET", "bytes=45000-")]


def test_a_server_without_parts_starts_again(server, file):
    server.with_ranges, server.cuts = False, [20_000]
    fetch(file)
    assert file.path.read_bytes() == CONTENT


def test_what_an_earlier_process_left_is_resumed(server, file):
    half_here(server, file)
    fetch(file)
    assert file.path.read_bytes() == CONTENT
    assert server.requests == [("GET", "bytes=20000-")]


def test_all_but_renamed_is_not_fetched_again(server, file):
    half_here(server, file, len(CONTENT))
    fetch(file)
    assert file.path.read_bytes() == CONTENT
    assert server.requests == [("GET", f"bytes={len(CONTENT)}-")]


def test_a_file_that_changed_meanwhile_is_not_patched_together(server, file):
    half_here(server, file)
    server.etag, server.content = '"2"', CONTENT[::-1]
    fetch(file)
    assert file.path.read_bytes() == CONTENT[::-1]


class Killed(BaseException):
    """Ends a download as a kill would."""


@pytest.mark.parametrize(("method", "name"), [("open", "run.tsv.part"), ("write_text", "run.tsv.part.json")])
def test_killed_where_a_new_version_begins_it_is_not_patched_together_either(
    server, file, method, name, monkeypatch
):
    """Before the old bytes are dropped, and before the new version is noted."""
    half_here(server, file)
    server.etag, server.content = '"2"', CONTENT[::-1]
    plain = getattr(Path, method)

    def killed(path, *arguments, **options):
        if path.name == name and arguments[:1] != ("ab",):  # to append: the lock
            raise Killed
        return plain(path, *arguments, **options)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Path, method, killed)
        fetch(file)
    fetch(file)
    assert file.path.read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize("etag", [None, 'W/"1"'])
def test_versions_that_cannot_be_told_apart_are_not_resumed(server, file, etag):
    server.etag, server.cuts = etag, [20_000]
    fetch(file)
    assert file.path.read_bytes() == CONTENT
    assert server.requests == [WHOLE, WHOLE]


def test_a_download_cut_again_and_again_never_counts_as_done(server, file):
    server.cuts = [20_000] * 9
    with pytest.raises(InputError, match=r"the connection ended after 20000 of \d+ bytes"):
        fetch(file)
    assert not file.path.exists()
    server.cuts = []
    fetch(file)
    assert file.path.read_bytes() == CONTENT


def _fetch_slowly(file):
    """Fetch, a thousand bytes at a time."""
    download.AT_ONCE = 1000
    plain = download.tqdm.update
    download.tqdm.update = lambda bar, amount: (time.sleep(0.02), plain(bar, amount))
    fetch(file)


def test_a_killed_process_leaves_no_file_and_the_next_one_resumes(server, file):
    process = multiprocessing.get_context("fork").Process(target=_fetch_slowly, args=(file,))
    process.start()
    part = file.path.with_name("run.tsv.part")
    while not (part.exists() and part.stat().st_size):
        time.sleep(0.01)
    process.kill()
    process.join()
    assert not file.path.exists()
    here = part.stat().st_size
    fetch(file)
    assert file.path.read_bytes() == CONTENT
    assert server.requests == [WHOLE, ("GET", f"bytes={here}-")]


def test_two_processes_do_not_write_to_the_same_file(file):
    part = file.path.with_name("run.tsv.part")
    part.parent.mkdir()
    with download._locked(part), pytest.raises(InputError, match="another process is fetching it"):
        fetch(file)


def test_a_file_without_length_or_checksum_is_refused(server, file):
    server.with_length = False
    with pytest.raises(InputError, match=r"does not say how long it is.* give size or sha256 in the study"):
        fetch(file)
    fetch(file.model_copy(update={"sha256": SHA256}))
    assert file.path.read_bytes() == CONTENT


def test_a_cut_is_noticed_by_the_studys_size_where_the_server_says_none(server, file):
    server.with_length, server.cuts = False, [20_000]
    with pytest.raises(InputError, match=rf"has 20000 bytes, not {len(CONTENT)} as the study says"):
        fetch(file.model_copy(update={"size": len(CONTENT)}))
    assert files_beside(file) == []


def test_a_file_put_there_by_hand_has_the_studys_size(file):
    file.path.parent.mkdir()
    file.path.write_bytes(CONTENT[:-1])
    sized = file.model_copy(update={"size": len(CONTENT)})
    wrong = rf"has {len(CONTENT) - 1} bytes, not {len(CONTENT)} as the study says; remove it and run"
    with pytest.raises(InputError, match=wrong):
        verify(sized)
    with pytest.raises(InputError, match=wrong):
        fetch(sized)
    assert recorded(file) is None
    file.path.write_bytes(CONTENT)
    assert verify(sized) == SHA256


def test_a_checksum_that_differs_stops_everything_and_leaves_nothing(file):
    wrong = file.model_copy(update={"sha256": WRONG})
    with pytest.raises(InputError, match=rf"run\.tsv: its sha256 is {SHA256}, not {WRONG} as the study says"):
        fetch(wrong)
    assert files_beside(file) == []


def test_the_recorded_checksum_is_compared_ever_after(file):
    fetch(file)
    file.path.write_bytes(CONTENT[:-1])
    with pytest.raises(InputError, match=rf"not {SHA256} as was recorded on first use; remove it and run"):
        verify(file)
    with pytest.raises(InputError, match="recorded on first use"):
        fetch(file)


def test_the_source_may_not_change_either(server, file):
    fetch(file)
    file.path.unlink()
    server.content = CONTENT[:-1]
    with pytest.raises(InputError, match="recorded on first use"):
        fetch(file)
    assert not file.path.exists()


def test_a_file_put_there_by_hand_is_recorded_on_first_use(server, file):
    file.path.parent.mkdir()
    file.path.write_bytes(CONTENT)
    assert verify(file) == SHA256
    assert recorded(file) == SHA256
    assert server.requests == []


@pytest.mark.parametrize("status", [403, 404])
def test_a_refusal_is_one_message_with_what_to_do_by_hand(server, file, status):
    server.status = status
    with pytest.raises(InputError) as caught:
        fetch(file)
    message = str(caught.value)
    for part in (
        f"{file.path}: could not be fetched from {file.url} (HTTP Error {status}",
        "copy",
        "checksum",
    ):
        assert part in message
    assert "\n" not in message
    assert len(server.requests) == 1
    assert not file.path.exists()


def test_no_network_is_one_message_with_file_url_and_checksum(server, file):
    server.close()
    with pytest.raises(InputError) as caught:
        fetch(file.model_copy(update={"sha256": SHA256}))
    assert f"To put it there by hand, copy {file.url} to {file.path}; its sha256 is {SHA256}" in str(
        caught.value
    )


def test_a_server_in_trouble_is_asked_a_few_times(server, file):
    server.status = 503
    with pytest.raises(InputError, match="503"):
        fetch(file)
    assert len(server.requests) == download.TRIES


def test_a_web_page_is_no_run(server, file):
    server.content_type = "text/html"
    with pytest.raises(InputError, match="the server sent a web page"):
        fetch(file)


def test_the_size_is_asked_for_without_fetching(server, file):
    assert asked_size(file) == len(CONTENT)
    assert server.requests == [("HEAD", None)]
    server.status = 404
    assert asked_size(file) is None
