"""`make faults`: kills at random instants, malformed inputs and damaged artefacts, counted in one table.

Malformed inputs and damaged artefacts are read first, all of them; what is left of the minutes goes to kills.
The last table is kept in docs/faults.md. It ends with 1 where anything went wrong.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from sirbench.machine.provenance import machine
from tests.checkouts import ROOT
from tests.faults import artefacts, commands, files, settings
from tests.faults.case import Case, verdict
from tests.faults.kills import campaign

PAGE = ROOT / "docs/faults.md"
TABLE = re.compile(r"(<!-- table -->\n).*?(<!-- /table -->)", re.DOTALL)
WRONG = ("lost", "traceback", "hang", "wrongly accepted")
COLUMNS = ("tried", *WRONG, "other")


def main() -> None:
    """Run the campaign and write its table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=float, default=10, help="for everything; see also --kills")
    options.add_argument("--kills", type=int, help="end after so many kills, whatever time they take")
    options.add_argument("--seed", type=int, default=int(time.time()), help="of the instants of kills")
    options.add_argument("--only", choices=("malformed", "damaged", "kills"), help="one kind of fault")
    asked = options.parse_args()
    end = time.monotonic() + 60 * asked.minutes
    rows: dict[str, Counter[str]] = {}
    if asked.only in (None, "malformed"):
        cases = (case for module in (settings, files, commands) for case in module.cases())
        rows["malformed inputs"] = _read("malformed inputs", cases)
    if asked.only in (None, "damaged"):
        rows["damaged artefacts"] = _read("damaged artefacts", artefacts.cases())
    if asked.only in (None, "kills"):
        rows |= _kill(end, asked.kills, asked.seed)
    wrong = sum(row[name] for row in rows.values() for name in COLUMNS[1:])
    text = _table(rows, asked.seed)
    print(text)
    if asked.only is None:
        PAGE.write_text(TABLE.sub(lambda found: found[1] + text + found[2], PAGE.read_text()))
    sys.exit(1 if wrong else 0)


def _read(kind: str, cases: Iterable[Case]) -> Counter[str]:
    """How many cases there are, and how many came to anything but what is expected, by what."""
    row: Counter[str] = Counter(tried=0)
    for case in cases:
        with tempfile.TemporaryDirectory(prefix="sirbench-faults-") as folder:
            found = verdict(case, Path(folder))
        row["tried"] += case.expected != "read"
        if found != "as expected":
            print(f"{kind}: {case.kind}: {case.name}: {found}", file=sys.stderr)
            row[_class(found)] += 1
    return row


def _kill(end: float, kills: int | None, seed: int) -> dict[str, Counter[str]]:
    """The same of kills, by kind of job; `runs` is how often a killed job was let come to its end."""
    rows: dict[str, Counter[str]] = {}

    def until(done: int) -> bool:
        return done >= kills if kills is not None else time.monotonic() > end

    for chain in campaign(until, seed):
        row = rows.setdefault(f"kills of `{chain.kind}`", Counter(tried=0))
        row["tried"] += len(chain.signals)
        row["runs"] += bool(chain.signals)
        if chain.verdict != "as expected":
            print(f"{chain}", file=sys.stderr)
            row[_class(chain.verdict)] += 1
    return rows


def _class(found: str) -> str:
    return next((name for name in WRONG if found.startswith(name)), "other")


def _table(rows: dict[str, Counter[str]], seed: int) -> str:
    """In Markdown, with the sum of all kills, and when, on what and of which code it is."""
    kills = [row for name, row in rows.items() if name.startswith("kills")]
    whole = {name: row for name, row in rows.items() if not name.startswith("kills")}
    if kills:
        whole |= {"kills, of all kinds": sum(kills, Counter())}
        whole |= {name: row for name, row in rows.items() if name.startswith("kills")}
    lines = [f"| fault | {' | '.join(COLUMNS)} |", f"| --- |{' --- |' * len(COLUMNS)}"]
    lines += [f"| {name} | {' | '.join(str(row[it]) for it in COLUMNS)} |" for name, row in whole.items()]
    here = machine()
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    when = datetime.now(UTC).strftime("%Y-%m-%d")
    chains = sum(row["runs"] for row in kills)
    said = f"{when}, commit {commit}{' with changes' if here['dirty'] else ''}, {here['cpu']}, "
    said += f"{here['cores']} cores, Python {here['python']}, seed {seed}. "
    said += f"After the kills {chains} jobs were let come to their end, and their bytes compared."
    return "\n".join([*lines, "", said, ""])


if __name__ == "__main__":
    main()
