"""The prepared study of the tests of the training loop, in which one fine-tuning is run."""

from tests.training.conftest import prepared, work  # noqa: F401  (fixtures)
