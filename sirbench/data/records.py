"""Records of TSV and JSON Lines files: fields by name, read one at a time, with the file and line of each.

A record that is not as its file promises is an `InputError` with file and line. Texts are not kept: a million
documents are read in the memory of one.
"""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sirbench.data.lines import COMPRESSED, numbered_lines
from sirbench.machine.errors import InputError
from sirbench.study.own_files import JudgementFile, RecordFile, TextFile

UNUSABLE_IN_IDS = re.compile(r"[\s\x00-\x1f\x7f-\x9f]")
"""Runs and judgements have white space between their columns."""

INTEGER = re.compile(r"[+-]?[0-9]+")

Record = tuple[str, dict[str, Any]]
"""A record: its file and line, for messages, and its fields by name."""


class Text(NamedTuple):
    """A document or a query."""

    place: str
    """Its file and line, for messages."""
    id: str
    text: str
    """"" where there is none."""


class Judgement(NamedTuple):
    """How relevant a document is to a query."""

    place: str
    query_id: str
    doc_id: str
    relevance: int


def texts(file: TextFile) -> Iterator[Text]:
    """Every text of a file, its columns put one after the other with a blank between."""
    optional = ["title"] if file.text is None else []
    names = file.text or ["text"]
    for place, record in _records(file, _format(file), [file.id, *names]):
        parts = [_string(record.get(name), name, place) for name in (*optional, *names)]
        yield Text(place, _id(record[file.id], file.id, place), " ".join(filter(None, parts)))


def count(file: TextFile) -> int:
    """The number of texts in a file, from its lines alone."""
    header = _format(file) == "tsv" and file.columns is None
    return sum(1 for _ in numbered_lines(file.path)) - header


def judgements(file: JudgementFile) -> Iterator[Judgement]:
    """Every judgement of a file, none of which is about the same query and document as another one."""
    names = (file.query, file.document, file.relevance)
    seen: dict[tuple[str, str], str] = {}
    for place, record in _records(file, _judgement_format(file), names):
        query_id, doc_id = (_id(record[name], name, place) for name in names[:2])
        if (first := seen.setdefault((query_id, doc_id), place)) != place:
            raise InputError(
                f"{place}: document {doc_id!r} is judged a second time for query {query_id!r}, after {first}"
            )
        yield Judgement(place, query_id, doc_id, _integer(record[file.relevance], file.relevance, place))


def _records(file: RecordFile, form: str, names: Sequence[str]) -> Iterator[Record]:
    if form == "tsv":
        return _columns(file.path, file.columns, names)
    if file.columns is not None:
        raise InputError(f"{file.path}: `columns` are named in the study, but only a TSV file has any")
    return _json_records(file.path, names) if form == "jsonl" else _trec_records(file.path, names)


def _columns(path: Path, columns: Sequence[str] | None, needed: Sequence[str]) -> Iterator[Record]:
    """Columns between tabs; where none are given, the first line names them."""
    lines = _lines(path)
    place = str(path)
    if columns is None:
        place, header = next(lines, (str(path), ""))
        columns = header.split("\t")
    for name in needed:
        if name not in columns:
            known = ", ".join(map(repr, columns))
            raise InputError(
                f"{place}: there is no column {name!r} among {known[:200]}; say in the study what it is "
                "called, or name the `columns` there, if this line does not"
            )
    for place, line in lines:
        values = line.split("\t")
        if len(values) != len(columns):
            raise InputError(
                f"{place}: {len(values)} columns between tabs, where {len(columns)} are named: "
                f"{', '.join(columns)}"
            )
        if values == columns:
            raise InputError(f"{place}: has the names of the columns; remove `columns` from the study")
        yield place, dict(zip(columns, values, strict=True))


def _json_records(path: Path, needed: Sequence[str]) -> Iterator[Record]:
    """A JSON object on each line."""
    for place, line in _lines(path):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{place}: not a JSON object on one line ({error}): {line[:60]!r}") from None
        if not isinstance(record, dict):
            raise InputError(f"{place}: not a JSON object on one line, but {line[:60]!r}")
        for name in needed:
            if name not in record:
                raise InputError(
                    f"{place}: there is no field {name!r} among {', '.join(map(repr, record))[:200]}; say in "
                    "the study what it is called"
                )
        yield place, record


def _trec_records(path: Path, names: Sequence[str]) -> Iterator[Record]:
    """TREC's judgements: query, any word, document, relevance."""
    for place, line in _lines(path):
        values = line.split()
        if len(values) != 4:
            raise InputError(f"{place}: {len(values)} columns, where TREC's judgements have 4")
        yield place, dict(zip(names, (values[0], *values[2:]), strict=True))


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    return ((f"{path}, line {number}", line) for number, line in numbered_lines(path))


def _format(file: TextFile) -> str:
    """As given, or as the name of the file ends."""
    known = {".tsv": "tsv", ".jsonl": "jsonl"}
    ending = next((suffix for suffix in reversed(file.path.suffixes) if suffix not in COMPRESSED), "")
    if file.format is None and ending not in known:
        raise InputError(
            f"{file.path}: its name ends neither in .tsv nor in .jsonl; say `format` in the study"
        )
    return file.format or known[ending]


def _judgement_format(file: JudgementFile) -> str:
    """As given, or as the name of the file ends, or as its first line is."""
    if file.format is not None:
        return file.format
    if ".jsonl" in file.path.suffixes:
        return "jsonl"
    _, first = next(_lines(file.path), ("", ""))
    fields = first.split()
    is_trec = file.columns is None and len(fields) == 4 and INTEGER.fullmatch(fields[3])
    return "trec" if is_trec else "tsv"


def _id(value: object, name: str, place: str) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise InputError(f"{place}: {name!r} is {value!r}, and an id is a text or an integer")
    if not value:
        raise InputError(f"{place}: {name!r} is empty, and an id is not")
    if UNUSABLE_IN_IDS.search(value):
        raise InputError(
            f"{place}: the id {value!r} has a blank or a control character in it, and runs and judgements "
            "have blanks between ids"
        )
    return _string(value, name, place)


def _string(value: object, name: str, place: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InputError(f"{place}: {name!r} is not a text, but {str(value)[:60]}")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        half = value[error.start]
        raise InputError(
            f"{place}: {name!r} has half of a surrogate pair ({half!r}), which is no character"
        ) from None
    return value


def _integer(value: object, name: str, place: str) -> int:
    if not isinstance(value, bool) and INTEGER.fullmatch(str(value)):
        return int(str(value))
    raise InputError(f"{place}: {name!r} is {value!r}, and relevance is an integer")
