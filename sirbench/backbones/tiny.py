"""A small BERT or ELECTRA with random weights and a WordPiece vocabulary of the collection."""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import torch
from tokenizers.normalizers import BertNormalizer
from transformers import BertTokenizerFast
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import AutoModel

from sirbench.backbones import matching
from sirbench.study import TinyBackbone

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")

WORD = re.compile(r"[^\W_]+|[^\w\s]|_")
"""As BERT cuts a text before it looks for pieces: at blanks, and around every sign of punctuation."""


def make(spec: TinyBackbone, folder: Path, texts: Callable[[], Iterable[str]]) -> None:
    """Take the vocabulary from the documents, draw the weights, save both."""
    vocabulary = frequent_pieces(texts(), spec.vocabulary)
    tokenizer = BertTokenizerFast(vocab=vocabulary, model_max_length=512)
    tokenizer.save_pretrained(folder)
    config = CONFIG_MAPPING[spec.architecture](
        vocab_size=len(vocabulary),
        hidden_size=spec.hidden,
        embedding_size=spec.hidden,
        num_hidden_layers=spec.layers,
        num_attention_heads=spec.heads,
        intermediate_size=4 * spec.hidden,
        max_position_embeddings=512,
        pad_token_id=tokenizer.pad_token_id,
        hidden_dropout_prob=spec.dropout,
        attention_probs_dropout_prob=spec.dropout,
        # BERT's .02 is right for its width of 768; this keeps the size of activations at any width.
        **({"initializer_range": spec.hidden**-0.5} if spec.initialisation == "matching" else {}),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(spec.seed)
        model = AutoModel.from_config(config)
        if spec.initialisation == "matching":
            matching.initialise(model)
        model.save_pretrained(folder)


def frequent_pieces(texts: Iterable[str], size: int) -> dict[str, int]:
    """A WordPiece vocabulary of at most `size` pieces: the characters of the texts, then their words.

    More frequent ones come first, equal ones by alphabet. The trainers of `tokenizers` break such ties by
    the order of a hash table, so that two of their runs over the same texts end in different models.
    """
    normalize = BertNormalizer(lowercase=True).normalize_str
    words = Counter(word for text in texts for word in WORD.findall(normalize(text)))
    characters: Counter[str] = Counter()
    for word, count in words.items():
        for character in word:
            characters[character] += count
    by_frequency = [
        [piece for piece, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
        for counts in (characters, words)
    ]
    inside = [f"##{character}" for character in by_frequency[0]]
    pieces = dict.fromkeys([*SPECIAL, *by_frequency[0], *inside, *by_frequency[1]])
    return {piece: number for number, piece in enumerate(list(pieces)[:size])}
