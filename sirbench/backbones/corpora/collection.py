"""The study's own documents; in PyDocs they are linked by "See Also" entries."""

from collections import defaultdict
from collections.abc import Iterator

from sirbench.backbones.corpora import Page
from sirbench.data import collections
from sirbench.data.lines import numbered_lines
from sirbench.data.pydocs import data_home
from sirbench.study import AnyCollection, Corpus


def pages(corpus: Corpus, collection: AnyCollection, threads: int = 1) -> Iterator[Page]:
    """Every document of `collections.iterate_documents`, as one section of one paragraph."""
    links: dict[str, list[str]] = defaultdict(list)
    if collection.has_links:
        path = data_home() / collection.train.partition("/")[0] / "links.tsv"
        for _, line in numbered_lines(path):
            source, target = line.split("\t")
            links[source].append(target)
    for doc_id, text in collections.iterate_documents(collection.train):
        yield Page(doc_id, lead=[text], links=links.get(doc_id, ()))
