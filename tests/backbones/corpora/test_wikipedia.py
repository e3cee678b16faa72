"""A dump of five articles written by hand, with what real ones are full of."""

import bz2

import pytest

from sirbench.backbones.corpora import Page, Redirect, pages
from sirbench.backbones.corpora.wikipedia import article, title_of
from sirbench.machine.errors import InputError
from sirbench.study import Collection, Corpus

ANY = Collection(train="pydocs/train", dev="pydocs/dev")

STONE = """{{Infobox period|name=Stone|image={{nested|x}}}}
'''Stone Age''' is a [[Period (time)|period]] of [[history]].<ref>{{cite|[[Unread]]}}</ref> It &amp;nbsp;was \
[[File:a.jpg|thumb|a [[caption]] here]]long.

Second ''paragraph'' with a [http://x.y label].
== Tools ==
* one [[Tool_use#Early|tool]]
* two
{| class="wikitable"
| cell [[Cell]]
|}
&lt;!-- unseen --&gt;Text &lt;math&gt;x^2&lt;/math&gt; after&lt;br/&gt;more.
=== Deeper ===
Deep text.
== See also ==
* [[obsidian]]
[[Category:Ages]]"""


def page(title, text, namespace=0, redirect=None):
    extra = f'<redirect title="{redirect}" />' if redirect else ""
    body = text.replace("<ref>", "&lt;ref&gt;").replace("</ref>", "&lt;/ref&gt;")
    return (
        f"<page><title>{title}</title><ns>{namespace}</ns><id>1</id>{extra}"
        f"<revision><id>2</id><text xml:space='preserve'>{body}</text></revision></page>"
    )


DUMP = (
    '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/"><siteinfo><sitename>W</sitename></siteinfo>'
    + page("Stone Age", STONE)
    + page("Talk:Stone Age", "I disagree.", namespace=1)
    + page("Stone age", "#REDIRECT [[Stone Age]]", redirect="Stone Age")
    + page("History", "History is about the [[stone age]].")
    + page("Tool use", "Tools are used.")
    + page("Obsidian", "A glass.\n\nIt is black.")
    + page("Empty", "{{stub}}")
    + "</mediawiki>"
)


@pytest.fixture
def dump(tmp_path):
    path = tmp_path / "small-pages-articles.xml.bz2"
    path.write_bytes(bz2.compress(DUMP.encode()))
    return path


def read(path, threads=1):
    return list(pages(Corpus(source="wikipedia", path=path), ANY, threads))


def test_articles_and_redirects_in_order_and_nothing_else(dump):
    found = read(dump)
    assert [entry.name for entry in found] == [
        *("Stone Age", "Stone age", "History", "Tool use", "Obsidian", "Empty")
    ]
    assert found[1] == Redirect("Stone age", "Stone Age")
    assert found[4] == Page("Obsidian", ["A glass.", "It is black."], [], [])
    assert found[5] == Page("Empty", [], [], [])


def test_prose_by_section(dump):
    stone = read(dump)[0]
    assert stone.lead == ["Stone Age is a period of history. It was long.", "Second paragraph with a label."]
    assert stone.body == ["one tool", "two", "Text after", "more.", "Deep text."]
    assert stone.links == ["Period (time)", "History", "Tool use", "Obsidian"]


def test_an_xml_that_is_not_compressed_and_several_processes(dump, tmp_path):
    path = tmp_path / "dump.xml"
    path.write_text(DUMP)
    assert read(path) == read(dump) == read(dump, threads=2)


def test_links_of_a_dump_are_resolved_through_its_redirects(dump, tmp_path, tiny_backbone):
    from sirbench.backbones.checkpoint import load_tokenizer
    from sirbench.backbones.corpora.store import CorpusStore, build_corpus_store

    build_corpus_store(tmp_path / "store", load_tokenizer(tiny_backbone), read(dump))
    store = CorpusStore(tmp_path / "store")
    # Stone Age, History, Tool use, Obsidian; "[[stone age]]" means the redirect Stone age.
    assert [store.links(page).tolist() for page in range(store.pages)] == [[1, 2, 3], [0], [], []]


@pytest.mark.parametrize("kept", [0, 200, -1])
def test_a_dump_that_was_cut_off(kept, dump):
    dump.write_bytes(dump.read_bytes()[:kept])
    with pytest.raises(InputError, match=r"pages-articles\.xml\.bz2: not a complete dump in MediaWiki's XML"):
        read(dump)


def test_no_dump(tmp_path):
    with pytest.raises(
        InputError, match=r"nowhere\.xml\.bz2: .*there is no such file; https://dumps\.wikimedia"
    ):
        read(tmp_path / "nowhere.xml.bz2")


@pytest.mark.parametrize(
    ("target", "title"),
    [
        ("stone_age#Tools", "Stone age"),
        (" :Stone  Age ", "Stone Age"),
        ("éclair", "Éclair"),
        ("#Here", ""),
    ],
)
def test_the_title_that_a_link_means(target, title):
    assert title_of(target) == title


def test_wikitext_that_is_never_closed():
    assert article("A", "'''Bold [[link text {{open").lead[0].startswith("Bold")
