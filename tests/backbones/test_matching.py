"""The initialisation for matching: what the first layer attends to before any training."""

import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from sirbench.backbones import make_backbone
from sirbench.study import TinyBackbone

WORDS = [f"{first}{second}" for first in "bcdfghklmn" for second in "aeiouy"]


def made(folder, architecture, initialisation):
    spec = TinyBackbone(
        source="tiny",
        architecture=architecture,
        hidden=64,
        vocabulary=200,
        initialisation=initialisation,
    )
    make_backbone(spec, folder, lambda: [" ".join(WORDS)])
    model = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    return model, AutoTokenizer.from_pretrained(folder)


def attended(model, tokenizer):
    """How often a query's word attends most, in the mean of layer 1's heads, to its like in the document."""
    found = 0
    for start in range(0, 40, 4):
        query = WORDS[start : start + 4]
        document = [*WORDS[start + 8 : start + 18], *reversed(query)]
        inputs = tokenizer(" ".join(query), " ".join(document), return_tensors="pt")
        with torch.no_grad():
            attention = model(**inputs, output_attentions=True).attentions[0][0].mean(dim=0)
        ids = inputs["input_ids"][0].tolist()
        for position in range(1, 5):
            like = len(ids) - 1 - ids[::-1].index(ids[position])
            assert like > 5, "the word's last place is in the document"
            found += int(attention[position].argmax()) == like
    return found / 40


@pytest.mark.parametrize("architecture", ["bert", "electra"])
def test_a_word_of_the_query_attends_to_its_like_in_the_document(architecture, tmp_path):
    assert attended(*made(tmp_path / "matching", architecture, "matching")) > 0.9
    assert attended(*made(tmp_path / "normal", architecture, "normal")) < 0.3


def test_values_and_output_are_a_negative_multiple_of_the_identity(tmp_path):
    model, _ = made(tmp_path / "matching", "bert", "matching")
    attention = model.encoder.layer[0].attention
    product = attention.output.dense.weight @ attention.self.value.weight
    torch.testing.assert_close(product, -0.5 * torch.eye(64), atol=1e-5, rtol=0)
