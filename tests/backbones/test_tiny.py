import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from sirbench.backbones import make_backbone
from sirbench.backbones.tiny import frequent_pieces
from sirbench.study import TinyBackbone

TEXTS = ["The Array; an array's axis.", "Array of axes\nand naïve 東 text"]


def make(folder, seed=1, architecture="bert", texts=TEXTS):
    shape = {"layers": 2, "hidden": 16, "heads": 4, "vocabulary": 100}
    make_backbone(
        TinyBackbone(source="tiny", architecture=architecture, seed=seed, **shape), folder, lambda: texts
    )
    return folder


@pytest.mark.parametrize("architecture", ["bert", "electra"])
def test_what_is_made_loads(architecture, tmp_path):
    model = AutoModel.from_pretrained(make(tmp_path / "made", architecture=architecture))
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "made")
    config = model.config
    assert config.model_type == architecture
    assert (config.num_hidden_layers, config.hidden_size, config.intermediate_size) == (2, 16, 64)
    assert (config.num_attention_heads, config.vocab_size) == (4, len(tokenizer))
    inputs = tokenizer("array", "the axis [MASK] ?", return_tensors="pt")
    assert (
        tokenizer.unk_token_id == inputs["input_ids"][0, -2]
        and model(**inputs).last_hidden_state.isfinite().all()
    )


def test_the_vocabulary_is_characters_and_then_words_by_frequency():
    pieces = list(frequent_pieces(["b a a", "b, ab"], size=100))
    # a and b stand there three times each, the comma once; among words a and b twice, ab and the comma once.
    assert pieces == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", ",", "##a", "##b", "##,", "ab"]
    assert list(frequent_pieces(["b a a", "b, ab"], size=7)) == pieces[:7]


def test_words_are_what_the_tokenizer_looks_up(tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(make(tmp_path / "made"))
    assert tokenizer.tokenize("Naive ARRAY's axes 東") == ["naive", "array", "'", "s", "axes", "東"]


def test_the_same_texts_and_seed_give_the_same_bytes(tmp_path):
    first, again, other = make(tmp_path / "1"), make(tmp_path / "2"), make(tmp_path / "3", seed=2)
    for path in first.iterdir():
        assert path.read_bytes() == (again / path.name).read_bytes(), path.name
    assert (first / "model.safetensors").read_bytes() != (other / "model.safetensors").read_bytes()
    assert (first / "tokenizer.json").read_bytes() == (other / "tokenizer.json").read_bytes()


def test_no_other_random_number_is_touched(tmp_path):
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    make(tmp_path / "made")
    assert torch.rand(1) == expected
