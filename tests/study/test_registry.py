"""Plug-ins: found by their file's name, in the package and in one's own folder, with their options set."""

import hashlib
import importlib
import sys
from abc import abstractmethod
from pathlib import Path

import pytest

from sirbench.machine.errors import InputError
from sirbench.strategies import STRATEGIES
from sirbench.strategies.losses import LOSSES
from sirbench.study import Plugin, Registry
from sirbench.study.registry import own_code


class Greeting(Plugin):
    """What the plug-ins of these tests derive from."""

    @abstractmethod
    def say(self):
        """What is said."""


HELLO = """
from pydantic import Field
from tests.study.test_registry import Greeting


class Hello(Greeting):
    times: int = Field(1, ge=1)
    to: str = "you"

    def say(self):
        return " ".join(["hello"] * self.times) + " " + self.to
"""


@pytest.fixture
def greetings(tmp_path, monkeypatch):
    """A registry with one plug-in, `hello`, in a working folder of its own."""
    package = tmp_path / "installed/greetings_of_tests"
    (package / "shared").mkdir(parents=True)
    for file in (package / "__init__.py", package / "shared/__init__.py"):
        file.touch()
    (package / "hello.py").write_text(HELLO)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.syspath_prepend(tmp_path / "installed")
    importlib.invalidate_caches()
    yield Registry("greetings_of_tests", Greeting, "greetings")
    for name in [name for name in sys.modules if name.startswith(("greetings_of_tests", "sirbench_plugins"))]:
        del sys.modules[name]


def write(stem, content):
    """A plug-in of one's own, in the working folder."""
    Path("plugins/greetings").mkdir(parents=True, exist_ok=True)
    Path(f"plugins/greetings/{stem}.py").write_text(content)


def test_names_are_files_with_hyphens_and_folders_are_none(greetings):
    assert greetings.names() == ["hello"]
    write("good_bye", "raise RuntimeError('names ask for no import')")
    assert greetings.names() == ["good-bye", "hello"]


def test_the_package_s_own():
    assert STRATEGIES.names() == ["none", "v0", "v1", "v2", "v3", "v4"]
    assert {"softmax-binary", "cross-entropy", "hinge", "ranknet", "lambda-loss"} <= set(LOSSES.names())
    for registry in (STRATEGIES, LOSSES):
        for name in registry.names():
            assert registry.find(name).file_name() == name


def test_options_are_set_and_checked(greetings):
    assert greetings.make("hello").say() == "hello you"
    assert greetings.make({"name": "hello", "times": 2}).say() == "hello hello you"
    assert greetings.make({"name": "hello", "times": 2}, to="all").say() == "hello hello all"


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ("helo", "no plug-in 'helo' in greetings_of_tests; did you mean 'hello'? allowed: hello"),
        ("shared", "no plug-in 'shared' in greetings_of_tests; allowed: hello"),
        ({"times": 2}, "name: this key is missing; allowed: hello"),
        ({"name": 2}, "name: this key is missing; allowed: hello"),
        (
            {"name": "hello", "tims": 2},
            "tims: hello has no such option; did you mean 'times'? allowed: times, to",
        ),
        (
            {"name": "hello", "times": 0},
            "times: Input should be greater than or equal to 1 (it says 0)",
        ),
        (
            {"name": "hello", "times": 0, "too": 1},
            "times: Input should be greater than or equal to 1 (it says 0); "
            "too: hello has no such option; did you mean 'to'? allowed: times, to",
        ),
    ],
    ids=str,
)
def test_a_wrong_choice_is_one_line(choice, message, greetings):
    with pytest.raises(InputError) as caught:
        greetings.make(choice)
    assert str(caught.value) == message


def test_a_plug_in_of_one_s_own_is_found_from_the_working_folder(greetings, tmp_path, monkeypatch):
    write("good_bye", HELLO.replace("Hello", "GoodBye").replace("hello", "bye"))
    assert greetings.find("good-bye").file_name() == "good-bye"
    assert greetings.make({"name": "good-bye", "times": 2}).say() == "bye bye you"
    assert greetings.find("good-bye") is greetings.find("good-bye")
    monkeypatch.chdir(tmp_path)
    assert greetings.names() == ["hello"]


def test_two_working_folders_have_plug_ins_of_one_name(greetings, tmp_path, monkeypatch):
    write("mine", HELLO)
    assert greetings.make("mine").say() == "hello you"
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    write("mine", HELLO.replace("hello", "bye"))
    assert greetings.make("mine").say() == "bye you"


def test_a_file_of_one_s_own_comes_before_the_package_s(greetings):
    write("hello", HELLO.replace('"hello"', '"my own hello"'))
    assert greetings.make("hello").say() == "my own hello you"


TWO = HELLO + HELLO[HELLO.index("class") :].replace("Hello", "Again")
BROKEN = {
    "two classes": (TWO, "2 classes derived from Greeting; a plug-in's file holds one"),
    "no class": (
        "from tests.study.test_registry import Greeting\n",
        "0 classes derived from Greeting; a plug-in's file holds one",
    ),
    "an abstract class": (HELLO.replace("def say", "def shout"), "Hello lacks say"),
    "what is not installed": ("import no_such_package\n" + HELLO, "ModuleNotFoundError: No module named"),
    "a mistake of syntax": (HELLO + "\ndef\n", "cannot be imported: SyntaxError: invalid syntax"),
    "a field without a type": (
        HELLO.replace("times: int = Field(1, ge=1)", "times = 1"),
        "cannot be imported: PydanticUserError: A non-annotated attribute was detected: `times = 1`.",
    ),
}


@pytest.mark.parametrize(("content", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_named_in_one_line_and_found_once_it_is_mended(content, message, greetings):
    write("mine", content)
    with pytest.raises(InputError) as caught:
        greetings.find("mine")
    said = str(caught.value)
    assert "plugins/greetings/mine.py: " in said and message in said
    assert len(said.splitlines()) == 1, said


def test_a_file_that_could_not_be_imported_is_read_anew(greetings):
    write("mine", "def\n")
    with pytest.raises(InputError):
        greetings.find("mine")
    write("mine", HELLO)
    assert greetings.make("mine").say() == "hello you"


@pytest.mark.parametrize("stem", ["__init__", "_helper"])
def test_a_file_that_starts_with_an_underscore_is_no_plug_in(stem, greetings):
    write(stem, "")
    assert greetings.names() == ["hello"]


def test_a_file_named_with_hyphens_is_found_too(greetings):
    write("good-bye", HELLO)
    assert greetings.names() == ["good-bye", "hello"]
    assert greetings.find("good-bye").file_name() == "good-bye"
    assert greetings.make("good-bye").say() == "hello you"


def test_a_strategy_s_options_are_its_own():
    """A recipe of V3 has no `cpr`, and one of V0 none of what needs levels."""
    options = {name: set(STRATEGIES.find(name).model_fields) for name in STRATEGIES.names()}
    assert options["v4"] - options["v3"] == {"cpr"}
    assert options["v3"] - options["v1"] == {"loss_levels", "forward"}
    assert options["v1"] == options["v2"] == options["v0"] | {"selection"}


def test_the_code_of_own_plugins_is_known_by_its_checksum(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert own_code("losses", "hinge") == {}  # one of the package's
    path = Path("plugins/losses/my_loss.py")
    path.parent.mkdir(parents=True)
    path.write_text("first")
    before = own_code("losses", "my-loss", {"name": "hinge", "margin": 2})
    assert before == {str(path): hashlib.sha256(b"first").hexdigest()}
    path.write_text("second")
    assert own_code("losses", {"name": "my-loss"}) != before
