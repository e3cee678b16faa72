"""What a study may say of further queries, of depths, and of what cells are trained on."""

import pytest
import yaml
from pydantic import ValidationError

from sirbench.config import load
from sirbench.machine.errors import InputError
from sirbench.study import Study, Table
from tests.checkouts import ROOT

GIVEN = {"train": "a.trec", "dev": "b.trec"}


def study(**changes):
    return Study.model_validate(yaml.safe_load((ROOT / "config/studies/test.yaml").read_text()) | changes)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"negatives": "hdct"}, "negatives: no candidates 'hdct'; allowed: bm25"),
        ({"evaluate_on": {"far": {"collection": "vaswani", "candidates": ["hdct"]}}}, "evaluate_on.far.cand"),
        ({"evaluate_on": {"dev": {"collection": "vaswani"}}}, "evaluate_on.dev: the study's own queries are"),
        ({"evaluate_on": {"deep": {}}}, "evaluate_on.deep: .* at no greater depth than its 12: give a `coll"),
        ({"evaluate_on": {"deep": {"depth": 12}}}, "evaluate_on.deep: .* or a greater `depth`"),
        ({"evaluate_on": {"far": {"collection": "vaswani", "queries": 0}}}, "greater than or equal to 1"),
        ({"evaluate_on": {"a/b": {"collection": "vaswani"}}}, "cannot be a name"),
        (
            {"evaluate_on": {"far": {"collection": {"folder": "mine", "exclude_self": True}}}},
            "collection.exclude_self: not read .*; say `exclude_self` beside `collection`",
        ),
        (
            {"evaluate_on": {"far": {"collection": {"folder": "mine", "incomplete": True}}}},
            "collection.incomplete: not read of a further set of queries; remove it",
        ),
        ({"depths": [5, 2]}, r"depths: \[5, 2\] must rise"),
        ({"depths": [0, 5]}, "greater than or equal to 1"),
        ({"depths": [5, 20]}, "depths: 20 is beyond every set of candidates, the deepest of which is 12"),
        (
            {"candidates": {"given": GIVEN}, "evaluate_on": {"far": {"collection": "vaswani"}}},
            "evaluate_on.far.candidates: given is a given run, which another collection has none of",
        ),
    ],
)
def test_a_mistake_is_named_with_its_key(changes, said):
    with pytest.raises(ValidationError, match=said):
        study(**changes)


def test_what_a_set_does_not_say_is_the_study_s():
    made = study(depths=[5, 12, 20], evaluate_on={"deep": {"depth": 20}, "far": {"collection": "vaswani"}})
    assert (made.depth_on("dev"), made.depth_on("far"), made.depth_on("deep")) == (12, 12, 20)
    assert made.candidates_on("far") == made.columns == ["bm25"]
    assert (made.on("far").collection.dev, made.on("far").collection.splits) == ("vaswani", ("dev",))
    assert made.on("deep").collection.dev == "pydocs-sliver/dev" and made.on("deep").depth == 20


def test_given_runs_can_be_read_deeper():
    """They are of the study's own queries."""
    made = study(candidates={"given": GIVEN}, evaluate_on={"deep": {"depth": 20}})
    assert made.candidates_on("deep") == ["given"]


def test_what_is_not_said_is_in_no_record():
    """Cells that were trained before there were these keys are still the study's."""
    assert not {"negatives", "depths", "evaluate_on"} & study().model_dump().keys()


def test_one_key_for_what_all_cells_are_trained_on():
    both = {"bm25": {"first_stage": "bm25"}, "plain": {"first_stage": "bm25", "options": {"b": 0.0}}}
    own = study(candidates=both, reranked=["plain"])
    assert (own.trained_on("plain"), own.trained_on("bm25")) == ("plain", "plain")
    assert study(candidates=both, negatives="bm25").trained_on("plain") == "bm25"


ROW = {"label": "V0", "backbone": "bert", "recipe": "v0"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"query_set": "far"}, "query_set: only a table `of: depths` is about one set of queries"),
        ({"of": "depths", "rows": []}, "rows: a table of cells needs at least one row"),
        ({"rows": [ROW, ROW | {"negatives": "hdct"}]}, "rows: the label 'V0' appears twice; tell the two"),
        (
            {"of": "depths", "rows": [ROW, ROW | {"backbone": "electra"}]},
            "rows: the label 'V0' appears twice",
        ),
        (
            {"rows": [ROW | {"negatives": "ance"}, ROW | {"negatives": "ance", "label": "other"}]},
            "rows: backbone bert with recipe v0 and negatives ance appears twice",
        ),
    ],
)
def test_a_table_that_cannot_be_is_refused(changes, said):
    with pytest.raises(ValidationError, match=said):
        Table.model_validate({"title": "a", "caption": "b", "measures": ["RR@10"], "rows": [ROW]} | changes)


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (
            *("tables/depth.yaml", "of: depths", "of: depths\nquery_set: deeper"),
            "config/tables/depth.yaml: query_set: no study defines 'deeper'; allowed: dev, nfcorpus, tools",
        ),
        (
            *("tables/transfer.yaml", "recipe: v0}", "recipe: v0, negatives: hcdt}"),
            "config/tables/transfer.yaml: rows.0.negatives: no study defines 'hcdt'; did you mean 'hdct'?",
        ),
        (
            *("figures/figure6.yaml", "recipes: [", "recipes: [none, "),
            "config/figures/figure6.yaml: space.recipes.0: none trains nothing; remove it",
        ),
        (
            *("tuning/cpr.yaml", "recipes: [", "recipes: [none, "),
            "config/tuning/cpr.yaml: recipes.0: none trains nothing; remove it",
        ),
        (
            *("figures/depth-curves.yaml", "table: depth", "table: transfer"),
            "config/figures/depth-curves.yaml: table: transfer is not a table of depths, which",
        ),
    ],
)
def test_what_one_file_names_another_has(tmp_path, monkeypatch, file, old, new, said):
    import shutil

    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "config", "config")
    path = tmp_path / "config" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match="^" + said.replace("?", r"\?").replace("(", r"\(")):
        load("test")
