"""The corpus store: a corpus in the words of one tokenizer, memory-mapped, built once in a stream.

A page is a sequence of sentences, a sentence a sequence of words, a word a sequence of the tokenizer's
pieces. So an objective can take sentences out of passages and words out of documents and still has every
token. A store is a folder per (corpus, tokenizer):

    words            uint32: the words of all sentences, concatenated, as numbers of the vocabulary
    sentences.npy    where each sentence starts in words; one more than sentences
    pages.npy        where each page starts in sentences; one more than pages
    leads.npy        how many sentences the first section of each page has
    pieces.npy, pieces.offsets.npy, vocabulary.txt, counts.npy
                     tokens, text and number of occurrences of each word
    links.npy, links.offsets.npy, back.npy, back.offsets.npy
                     the pages that each page links to, and the pages that link to it, ascending

A Wikipedia of 2.5 billion words, which BERT was trained on, takes 10 GB on disk. While a store is built, its
distinct words and the hashes of page names are in memory.
"""

from sirbench.backbones.corpora.store.reading import CorpusStore
from sirbench.backbones.corpora.store.vocabulary import split_words
from sirbench.backbones.corpora.store.writing import build_corpus_store

__all__ = ["CorpusStore", "build_corpus_store", "split_words"]
