"""Building a corpus store from a stream of pages, a batch of pages at a time."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sirbench.backbones.corpora import Page, Redirect
from sirbench.backbones.corpora.sentences import sentences
from sirbench.backbones.corpora.store.links import Links
from sirbench.backbones.corpora.store.ragged import starts_of
from sirbench.backbones.corpora.store.vocabulary import Vocabulary
from sirbench.machine.errors import InputError
from sirbench.machine.manifest import recorded_folder

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

BATCH = 1000
"""Pages that are tokenised at a time."""


def build_corpus_store(
    folder: Path, tokenizer: "PreTrainedTokenizerBase", corpus: Iterable[Page | Redirect]
) -> None:
    """Write a new store at `folder`.

    Pages without a sentence are left out. Raises InputError for a corpus without a sentence and for two pages
    of the same name.
    """
    with recorded_folder(folder) as temporary:
        vocabulary, links = Vocabulary(tokenizer), Links()
        sentence_lengths: list[np.ndarray] = []
        page_lengths: list[int] = []
        leads: list[int] = []
        with (temporary / "words").open("wb") as file:
            for batch in _batches(corpus, links):
                texts = []
                for page in batch:
                    lead, body = (
                        [sentence for paragraph in section for sentence in sentences(paragraph)]
                        for section in (page.lead, page.body)
                    )
                    if lead or body:
                        links.add(page)
                        texts += [*lead, *body]
                        leads.append(len(lead) or len(body))
                        page_lengths.append(len(lead) + len(body))
                words, lengths = vocabulary.count(texts)
                file.write(words.tobytes())
                sentence_lengths.append(lengths)
        if not page_lengths:
            raise InputError(f"{folder}: the corpus has no page with a sentence")
        np.save(temporary / "sentences.npy", starts_of(np.concatenate(sentence_lengths)))
        np.save(temporary / "pages.npy", starts_of(page_lengths))
        np.save(temporary / "leads.npy", np.array(leads, dtype=np.int64))
        vocabulary.write(temporary)
        links.write(temporary)


def _batches(corpus: Iterable[Page | Redirect], links: Links) -> Iterator[list[Page]]:
    """The pages in batches; redirects go to `links`."""
    batch: list[Page] = []
    for entry in corpus:
        if isinstance(entry, Redirect):
            links.redirect(entry)
            continue
        batch.append(entry)
        if len(batch) == BATCH:
            yield batch
            batch = []
    yield batch
