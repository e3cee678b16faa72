"""The prepared study of the tests of the training loop, in which single steps are run."""

from tests.training.conftest import prepared  # noqa: F401  (a fixture)
