"""Claims as files: what a claim must say, and what it may not."""

import shutil

import pytest
import yaml

from sirbench.config import load
from sirbench.machine.errors import InputError
from tests.checkouts import ROOT

V4, V3 = {"backbone": "bert", "recipe": "v4-top-16"}, {"backbone": "bert", "recipe": "v3-top-16"}
MARGIN = {"value": 0.005, "unit": "absolute"}

MISTAKES = {
    "better and equal": (
        {"better": V4, "equal": V4, "than": V3},
        "better, equal: a claim has one of the two",
    ),
    "neither": ({"than": V3}, "better, equal: a claim has one of the two"),
    "equality without a margin": ({"equal": V4, "than": V3}, "margin: a claim of equality needs one"),
    "a margin without a unit": (
        {"equal": V4, "than": V3, "margin": {"value": 0.005}},
        "claims.mine.margin.unit: this key is missing",
    ),
    "a margin of nothing": ({"equal": V4, "than": V3, "margin": MARGIN | {"value": 0}}, "greater than 0"),
    "a margin of a difference": (
        {"better": V4, "than": V3, "margin": MARGIN},
        "margin: only a claim of equality has one; remove it",
    ),
    "itself": ({"better": V4, "than": V4}, "than: v4-top-16 with bert is compared with itself"),
    "a recipe that is no file": (
        {"better": V4 | {"recipe": "v4-tpo-16"}, "than": V3},
        "claims.mine.better.recipe: unknown name 'v4-tpo-16'; did you mean 'v4-top-16'?",
    ),
    "a backbone that no study has": (
        {"equal": V4, "than": V3 | {"backbone": "brt"}, "margin": MARGIN},
        "claims.mine.than.backbone: no study defines 'brt'; did you mean 'bert'?",
    ),
}


@pytest.mark.parametrize(("claim", "said"), MISTAKES.values(), ids=MISTAKES)
def test_mistake_is_named(claim, said, tmp_path):
    folder = tmp_path / "config"
    shutil.copytree(ROOT / "config", folder)
    family = {"title": "Mine", "caption": "Mine.", "claims": {"mine": {"sentence": "So it is.", **claim}}}
    (folder / "claims/mine.yaml").write_text(yaml.safe_dump(family))
    with pytest.raises(InputError) as caught:
        load("test", folder)
    message = str(caught.value)
    assert "claims/mine.yaml: claims.mine" in message and said in message, message


def test_a_claim_about_a_cell_that_no_study_has(tmp_path):
    """Each of its backbones is some study's, and so are the candidates, but not all are of one."""
    folder = tmp_path / "config"
    shutil.copytree(ROOT / "config", folder)
    sides = {"better": V4, "than": V3 | {"backbone": "matching"}}
    family = {"title": "Mine", "caption": "Mine.", "claims": {"mine": {"sentence": "So it is.", **sides}}}
    path = folder / "claims/mine.yaml"
    path.write_text(yaml.safe_dump(family))
    with pytest.raises(InputError) as caught:
        load("test", folder)
    said = "claims/mine.yaml: claims.mine: no study has its cells: none has bert and matching"
    assert str(caught.value).endswith(said)
    one = {"sentence": "So it is.", "better": V4 | {"backbone": "matching"}, "than": sides["than"]}
    path.write_text(yaml.safe_dump(family | {"claims": {"mine": one}, "candidates": ["hdct"]}))
    with pytest.raises(InputError, match="none has matching and the candidates hdct"):
        load("test", folder)


def test_a_family_about_candidates_that_no_study_has(tmp_path):
    folder = tmp_path / "config"
    shutil.copytree(ROOT / "config", folder)
    path = folder / "claims/ours.yaml"
    path.write_text(path.read_text().replace("measure: RR@100", "measure: RR@100\ncandidates: [bm52]"))
    with pytest.raises(InputError, match=r"claims/ours\.yaml: candidates: no study defines 'bm52'; did you"):
        load("test", folder)


def test_a_family_about_an_unknown_measure(tmp_path):
    folder = tmp_path / "config"
    shutil.copytree(ROOT / "config", folder)
    path = folder / "claims/ours.yaml"
    path.write_text(path.read_text().replace("measure: RR@100", "measure: MRR-100"))
    with pytest.raises(InputError, match=r"claims/ours\.yaml: measures\.0.*MRR-100"):
        load("test", folder)


def test_the_claims_of_the_paper_and_the_questions_about_them_are_all_there():
    """Tables 1 to 3 and "Dynamic VS Randomness"; SIR, feedback and redrawing against what lacks them."""
    claims = load("demo", ROOT / "config").claims
    assert set(claims["paper"].claims) == {
        *("sir-helps-wlp", "sir-helps-ict", "sir-helps-prop"),
        *("v1-over-v0", "v2-over-v1", "v3-over-v2", "v4-over-v3"),
        *("random-over-top-v1", "random-over-top-v2", "top-equals-random-v3", "top-equals-random-v4"),
        *("four-levels-equal-three-v3", "four-levels-equal-three-v4"),
    }
    ours = {"v4-over-as-many-negatives", "v4-over-lce-88", "v4-over-v3-all", "fixed-equals-redrawn-v3"}
    assert ours <= set(claims["ours"].claims)


def test_tables_have_the_rows_that_the_paper_lacks():
    tables = load("demo", ROOT / "config").tables
    recipes = {name: {row.recipe for row in tables[name].rows} for name in ("table3", "gain", "cpr")}
    assert "v4-top-16-literal-fresh" in recipes["table3"]
    assert {"lce-8", "lce-16", "lce-88", "v0-88", "v3-all-top-16", "v3-top-16-fixed"} <= recipes["gain"]
    assert "v3-all-top-16-shared" in recipes["cpr"]
