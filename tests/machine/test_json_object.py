import os

import pytest

from sirbench.machine.errors import InputError
from sirbench.machine.json_object import read_object


def test_an_object_is_read(tmp_path):
    path = tmp_path / "some.json"
    path.write_text('{"ä": [1, 2.5, null]}', encoding="utf-8")
    assert read_object(path) == {"ä": [1, 2.5, None]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a valid JSON file"),
        (b'{"a": 1', "not a valid JSON file"),
        (b'{"a": NaN}', "NaN is not a number"),
        (b'{"a": -Infinity}', "-Infinity is not a number"),
        (b'{"a": 1_0}', "not a valid JSON file"),
        (b'{"a": ' + b"9" * 5000 + b"}", "Exceeds the limit"),
        (b'{"a": ' * 100_000, "nested too deeply"),
        (b'{"a": "\xff"}', "not a valid JSON file"),
        (b"[1]", "not a JSON object but list"),
        (b"null", "not a JSON object but NoneType"),
    ],
)
def test_anything_else_names_the_file(content, message, tmp_path):
    path = tmp_path / "some.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"^{path}: .*{message}"):
        read_object(path)


def test_no_file_a_pipe_a_folder_and_a_loop_of_links(tmp_path):
    """A pipe would be waited for."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    for name, message in (
        ("pipe", "not a regular file"),
        ("folder", "not a regular file"),
        ("loop", "no such file"),
        ("none", "no such file"),
    ):
        with pytest.raises(InputError, match=f"{name}: .*{message}"):
            read_object(tmp_path / name)
