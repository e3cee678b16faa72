"""Files of one's own: documents, queries and judgements as TSV or JSON Lines, with named columns."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from sirbench.study.settings import GivenPath, Settings


def _list_of_one(names: object) -> object:
    return [names] if isinstance(names, str) else names


Names = Annotated[
    list[str],
    Field(min_length=1),
    BeforeValidator(_list_of_one, json_schema_input_type=str | list[str]),
]
"""Names of columns; where there is one, the name alone."""


class RecordFile(Settings):
    """A file of records, each on a line of its own."""

    path: GivenPath
    """Plain, or compressed where the name ends in .gz, .bz2 or .xz."""
    columns: list[str] | None = Field(None, min_length=1)
    """Names of the columns of a TSV file, from left to right, where its first line does not say them."""


class TextFile(RecordFile):
    """A file of documents or queries."""

    format: Literal["tsv", "jsonl"] | None = None
    """`tsv`: columns between tabs, nothing is quoted. `jsonl`: a JSON object on each line. Null: as the name
    ends, apart from .gz, .bz2 and .xz."""
    id: str = "_id"
    """The column, or field, of the id."""
    text: Names | None = None
    """The column, or field, of the text, or a list of them, which are put one after the other, e.g.
    `[title, body]`; null: `text`, after `title` where there is one."""


class JudgementFile(RecordFile):
    """A file of judgements."""

    format: Literal["tsv", "jsonl", "trec"] | None = None
    """`tsv` and `jsonl`: as of texts. `trec`: query, any word, document and relevance, with blanks or tabs
    between. Null: `jsonl` where the name ends so; else `trec` if the first line has these four, or `tsv`."""
    query: str = "query-id"
    """The column, or field, of the query's id."""
    document: str = "corpus-id"
    """The column, or field, of the document's id."""
    relevance: str = "score"
    """The column, or field, of the relevance, an integer: 1 and more is relevant."""


def _path_alone(spec: object) -> object:
    return {"path": spec} if isinstance(spec, (str, Path)) else spec


PathOrTextFile = Annotated[TextFile, BeforeValidator(_path_alone, json_schema_input_type=Path | TextFile)]
"""A file of texts; where nothing but its path is to be said, the path alone."""
PathOrJudgementFile = Annotated[
    JudgementFile, BeforeValidator(_path_alone, json_schema_input_type=Path | JudgementFile)
]
"""A file of judgements, likewise."""


class TextFiles(Settings):
    """The queries of each split in a file of their own."""

    train: PathOrTextFile
    """Queries that are trained on."""
    dev: PathOrTextFile
    """Queries that are evaluated on."""


class JudgementFiles(Settings):
    """The judgements of each split in a file of their own."""

    train: PathOrJudgementFile
    """Judgements that are trained on."""
    dev: PathOrJudgementFile
    """Judgements that are evaluated on."""


def _is_split(spec: Any) -> bool:
    return isinstance(spec, (TextFiles, JudgementFiles)) or (
        isinstance(spec, Mapping) and not {"train", "dev"}.isdisjoint(spec)
    )


Queries = Annotated[
    Annotated[TextFiles, Tag("TextFiles")] | Annotated[PathOrTextFile, Tag("TextFile")],
    Discriminator(lambda spec: "TextFiles" if _is_split(spec) else "TextFile"),
]
"""The queries of both splits in one file, or a file for each."""
Judgements = Annotated[
    Annotated[JudgementFiles, Tag("JudgementFiles")] | Annotated[PathOrJudgementFile, Tag("JudgementFile")],
    Discriminator(lambda spec: "JudgementFiles" if _is_split(spec) else "JudgementFile"),
]
"""The judgements of one set of queries in one file, or a file for each split."""
