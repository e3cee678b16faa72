"""The page of findings: its numbers are those of results/, or there is no page."""

import shutil

import pytest

from sirbench.machine.errors import InputError
from sirbench.reporting.findings import printed, render_findings
from tests.checkouts import ROOT

TABLE = """table,row,candidates,measure,value,gain
table3,V4,bm25,RR@100,0.43149,0.0119
table3,V4,hdct,RR@100,0.5,-0.01
table3,V3,bm25,RR@100,0.41,
"""
CLAIMS = """family,claim,sentence,candidates,measure,better,than,effect,ci_low,ci_high,verdict,queries
paper,v4-over-v3,V4 wins.,bm25,RR@100,bert/v4-top-16,bert/v3-top-16,0.0031,-0.0121,0.0181,undecided,700
ours,v4-over-lce,V4 gains.,bm25,RR@100,bert/v4-top-16,bert/lce-88,-0.021,-0.031,-0.011,contradicted,700
"""
DRAWN = """measure,recipe,value,between
margin,v0,1.0,-0.511
margin,v4,2.0,-0.511
volume,v0,3.0,0.25
"""
SHOWN = "| Model | MRR |\n|---|---|\n| V4 | .431 |"
CLAIMED = """| claim | paper | here | 95 % interval | verdict |
| --- | --: | --: | --: | --- |
| V4 wins. | +.003, +.001 | +.003 | -.012 to +.018 | undecided |"""
OF_OURS = """| claim | here | 95 % interval | verdict |
| --- | --: | --: | --- |
| V4 gains. | -.021 | -.031 to -.011 | **contradicted** |"""


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tables = tmp_path / "results/laptop/tables"
    tables.mkdir(parents=True)
    (tables / "table3.csv").write_text(TABLE)
    (tables / "table3.md").write_text(
        "# Table 3\n\n| Model | MRR |\n|---|---|\n| V4 | .431 |\n\n## Gains\n\n| V4 | .1 |\n"
    )
    (tables.parent / "claims.csv").write_text(CLAIMS)
    (tmp_path / "figures/laptop").mkdir(parents=True)
    (tmp_path / "figures/laptop/quality.csv").write_text(DRAWN)
    shutil.copytree(ROOT / "published", tmp_path / "published")
    return tmp_path


def page(folder, text):
    (folder / "page.md.j2").write_text(text)
    return render_findings("laptop", folder / "page.md.j2")


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("{{ value('table3', 'V3', 'RR@100') }}", ".410"),
        ("{{ value('table3', 'V4', 'RR@100', candidates='bm25') }}", ".431"),
        ("{{ value('table3', 'V4', 'RR@100', candidates='hdct', column='gain') }}", "-.010"),
        ("{{ claim('v4-over-v3').effect }} {{ claim('v4-over-v3').ci_low }}", "+.003 -.012"),
        ("{{ claim('v4-over-v3').verdict }} on {{ claim('v4-over-v3').queries }}", "undecided on 700"),
        ("{{ claims('paper') }}", CLAIMED),
        ("{{ claims('ours') }}", OF_OURS),
        ("{{ drawn('quality', 'between', measure='margin') }}", "-.511"),
        ("{{ table('table3') }}", "| Model | MRR |\n|---|---|\n| V4 | .431 |"),
    ],
)
def test_numbers_are_printed_from_the_results(study, asked, shown):
    assert page(study, asked) == shown


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("{{ value('table3', 'V4', 'RR@100') }}", "table3: V4, RR@100: 2 lines of the results fit, not one"),
        ("{{ value('table3', 'V9', 'RR@100') }}", "0 lines of the results fit"),
        ("{{ value('table9', 'V4', 'RR@100') }}", r"table9\.csv: there is no such file"),
        ("{{ claim('v5').effect }}", "claims: v5: 0 lines"),
        ("{{ claim('v4-over-v3').nothing }}", "no attribute 'nothing'"),
        ("{{ value('table3', 'V3', 'RR@100', column='none') }}", "none"),
        ("{{ drawn('quality', 'value', measure='margin') }}", "quality: .*: 2 lines of the results fit"),
        ("{{ table('none') }}", r"none\.md: there is no such file"),
        ("{{ nothing }}", "'nothing' is undefined"),
        ("{{ value( }}", "unexpected"),
    ],
)
def test_a_number_that_is_not_there_is_one_message(study, asked, message):
    with pytest.raises(InputError, match=message):
        page(study, asked)


@pytest.mark.parametrize(
    ("number", "sign", "text"),
    [(0.4314, False, ".431"), (-0.0119, True, "-.012"), (0.0, True, "+.000"), (1.0, False, "1.000")],
)
def test_numbers_have_three_decimals_and_no_leading_zero(number, sign, text):
    assert printed(number, sign=sign) == text


@pytest.mark.skipif(not (ROOT / "docs/findings.md.j2").exists(), reason="no findings are kept yet")
def test_the_page_that_is_kept_has_the_numbers_of_the_results(monkeypatch):
    monkeypatch.chdir(ROOT)
    made = render_findings("laptop", ROOT / "docs/findings.md.j2")
    assert (ROOT / "docs/findings.md").read_text(encoding="utf-8") == made
