import json

from sirbench.backbones.corpora import pages
from sirbench.data import collections
from sirbench.data.pydocs import PACKAGES
from sirbench.study import Collection, Corpus

SLIVER = Collection(train="pydocs-sliver/train", dev="pydocs-sliver/dev")


def test_every_document_is_a_page_with_pydocs_links(pydocs_sliver):
    found = list(pages(Corpus(source="collection"), SLIVER))
    assert [(page.name, *page.lead) for page in found] == list(collections.iterate_documents(SLIVER.train))
    links = json.loads((pydocs_sliver / "collection.json").read_text())["links"]
    assert sum(len(page.links) for page in found) == links > 0


def test_the_collections_with_links_are_pydocs():
    assert set(Collection.LINKED) == set(PACKAGES)
    assert SLIVER.has_links and not Collection(train="beir/scifact/train", dev="beir/scifact/test").has_links
