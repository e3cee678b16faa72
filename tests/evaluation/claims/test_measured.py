"""Input that makes no sense is refused with one message; seeds without a model are part of the result."""

import pandas as pd
import pytest

from sirbench.evaluation.claims.measured import Measured, check_comparable
from sirbench.machine.errors import InputError
from tests.evaluation.claims.made import measured, nothing


def test_a_seed_without_a_model_is_counted_with_its_reason():
    recipe = measured("v4", [[0.1, 0.2], [0.3, 0.4]], seeds=[1, 3], absent={2: "the loss is NaN"})
    assert recipe.seeds == 2
    assert recipe.remark == "v4: 2 of 3 seeds converged (seed 2: the loss is NaN)"
    assert nothing("v0", {2: "constant", 1: "NaN"}).remark == (
        "v0: 0 of 2 seeds converged (seed 1: NaN; seed 2: constant)"
    )
    assert measured("v0", [[0.1, 0.2]]).remark == ""


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: measured("v4", [[0.1, 0.2], [0.3, 0.4]], seeds=[1, 1]), "v4: seed 1 appears twice"),
        (
            lambda: Measured("v4", pd.DataFrame([[0.1, 0.2]], index=[1], columns=["a", "a"])),
            "v4: query a appears twice",
        ),
        (
            lambda: measured("v4", [[0.1, 0.2]], absent={1: "NaN"}),
            "v4: seed 1 is both measured and absent",
        ),
        (lambda: Measured("v4", pd.DataFrame(index=[1, 2])), "v4: there are no queries"),
        (lambda: measured("v4", [[0.1, float("nan")]]), "v4: a value is missing or infinite"),
        (lambda: measured("v4", [[0.1, float("inf")]]), "v4: a value is missing or infinite"),
    ],
)
def test_values_that_make_no_sense_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_only_the_same_queries_can_be_compared():
    first, other = measured("v4", [[0.1, 0.2, 0.3]]), measured("v0", [[0.1, 0.2]])
    with pytest.raises(InputError, match=r"v4 and v0 are measured on different queries \(1 in one only, q2"):
        check_comparable(first, other)
    with pytest.raises(InputError, match="v4 is measured on one query"):
        check_comparable(measured("v4", [[0.1]]), measured("v0", [[0.2]]))
    check_comparable(first, nothing("v0", {1: "NaN"}))
