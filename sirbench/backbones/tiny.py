"""A small BERT or ELECTRA with random weights and a WordPiece vocabulary of the collection."""

from collections.abc import Callable, Iterable
from pathlib import Path

import torch
from tokenizers import BertWordPieceTokenizer
from transformers import BertTokenizerFast
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import AutoModel

from sirbench.study import TinyBackbone


def make(spec: TinyBackbone, folder: Path, texts: Callable[[], Iterable[str]]) -> None:
    """Train the vocabulary on the documents, draw the weights, save both."""
    words = BertWordPieceTokenizer(lowercase=True)
    words.train_from_iterator(texts(), vocab_size=spec.vocabulary, show_progress=False)
    tokenizer = BertTokenizerFast(tokenizer_object=words._tokenizer, model_max_length=512)
    tokenizer.save_pretrained(folder)
    config = CONFIG_MAPPING[spec.architecture](
        vocab_size=len(tokenizer),
        hidden_size=spec.hidden,
        embedding_size=spec.hidden,
        num_hidden_layers=spec.layers,
        num_attention_heads=spec.heads,
        intermediate_size=4 * spec.hidden,
        max_position_embeddings=512,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(spec.seed)
        AutoModel.from_config(config).save_pretrained(folder)
