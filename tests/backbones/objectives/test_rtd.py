"""Clark et al. 2020: L_MLM of a small generator + 50 L_Disc over every token of what it has replaced."""

import math

import numpy as np
import pytest
import torch
from transformers import ElectraForSequenceClassification

from sirbench.backbones.checkpoint import load_model, load_tokenizer
from sirbench.backbones.drawing.masking import IGNORED
from sirbench.backbones.objectives import OBJECTIVES
from sirbench.backbones.objectives.rtd import discriminator_loss, sample
from sirbench.backbones.pretraining import SharedModel
from sirbench.machine.errors import InputError


@pytest.fixture
def rtd(material, tiny_electra):
    made = OBJECTIVES.make("rtd").on(material(tiny_electra))
    made.generator.eval()
    return made


def test_the_loss_is_the_generator_s_and_fifty_times_the_discriminator_s(rtd, monkeypatch):
    texts = rtd.draw(5)
    chosen = [tuple(place) for place in np.argwhere(texts.labels != IGNORED)]
    # Whatever was sampled: the original at every second place, token 50 elsewhere.
    sampled = [texts.labels[place] if i % 2 else 50 for i, place in enumerate(chosen)]
    monkeypatch.setattr("sirbench.backbones.objectives.rtd.sample", lambda logits: torch.tensor(sampled))
    corrupted = texts.originals.copy()
    for place, token in zip(chosen, sampled, strict=True):
        corrupted[place] = token

    attention = torch.from_numpy(texts.attention_mask)
    with torch.no_grad():
        predicted = rtd.generator(torch.from_numpy(texts.input_ids), attention_mask=attention).logits.double()
        judged = rtd.detector(torch.from_numpy(corrupted), attention_mask=attention).logits.double()
    generator = [
        math.log(math.fsum(math.exp(value) for value in predicted[place].tolist()))
        - float(predicted[place][texts.labels[place]])
        for place in chosen
    ]
    discriminator = []
    for place in np.argwhere(texts.attention_mask == 1):
        value = float(judged[tuple(place)])
        replaced = corrupted[tuple(place)] != texts.originals[tuple(place)]
        discriminator.append(-math.log(1 / (1 + math.exp(-value if replaced else value))))
    expected = math.fsum(generator) / len(generator) + 50 * math.fsum(discriminator) / len(discriminator)
    assert float(rtd(5).loss.detach()) == pytest.approx(expected, rel=1e-5)


def test_all_chosen_tokens_are_masked(rtd):
    texts = rtd.draw(0)
    chosen = texts.labels != IGNORED
    assert (texts.input_ids[chosen] == rtd.material.tokenizer.mask_token_id).all()
    lengths = texts.attention_mask.sum(axis=1) - 2
    assert chosen.sum(axis=1).tolist() == [max(1, round(0.15 * length)) for length in lengths]


def test_samples_follow_the_softmax():
    torch.manual_seed(1)
    probabilities = torch.tensor([0.1, 0.2, 0.7])
    often = sample(probabilities.log().expand(20_000, 3)).bincount(minlength=3) / 20_000
    assert ((often - probabilities).abs() < 4 * (probabilities * (1 - probabilities) / 20_000).sqrt()).all()


def test_padding_does_not_count_in_the_discriminator_s_loss():
    logits = torch.tensor([[0.0, 2.0, 9.0]])
    replaced = torch.tensor([[True, False, True]])
    loss = discriminator_loss(logits, replaced, torch.tensor([[1, 1, 0]]))
    assert float(loss) == pytest.approx((math.log(2) + math.log(1 + math.exp(2))) / 2)


def test_no_gradient_passes_through_the_sampling(rtd):
    """The discriminator's loss alone moves nothing of the generator but the embeddings that they share."""
    torch.manual_seed(1)
    rtd.model_copy(update={"discriminator": 0.0})(0).loss.backward()
    alone = {
        name: p.grad.clone() for name, p in rtd.generator.named_parameters() if "embeddings." not in name
    }
    for model in rtd.heads().values():
        model.zero_grad()
    torch.manual_seed(1)
    rtd(0).loss.backward()
    for name, parameter in rtd.generator.named_parameters():
        if "embeddings." not in name and parameter.grad is not None and "lm_head" not in name:
            assert torch.equal(parameter.grad, alone[name]), name


def test_the_generator_is_a_quarter_as_wide_on_shared_embeddings(rtd):
    generator, discriminator = rtd.generator, rtd.detector
    assert (generator.config.hidden_size, generator.config.num_attention_heads) == (4, 1)
    assert generator.config.intermediate_size == discriminator.config.intermediate_size // 4
    assert generator.electra.embeddings is discriminator.electra.embeddings
    assert generator.generator_lm_head.weight is discriminator.electra.embeddings.word_embeddings.weight
    assert discriminator.electra is rtd.material.model.base_model


def test_what_is_saved_is_a_classifier_of_electra_without_a_head(rtd, tmp_path):
    SharedModel(rtd.material.model, {"rtd": rtd}).save_pretrained(tmp_path)
    load_tokenizer(rtd.material.start).save_pretrained(tmp_path)
    first, again, other = (load_model(tmp_path, seed) for seed in (1, 1, 2))
    assert isinstance(first, ElectraForSequenceClassification)
    assert first.config.architectures == ["ElectraForSequenceClassification"]
    heads = [model.classifier.out_proj.weight for model in (first, again, other)]
    assert torch.equal(heads[0], heads[1]) and not torch.equal(heads[0], heads[2])
    for name, weight in rtd.material.model.electra.state_dict().items():
        assert torch.equal(weight, first.electra.state_dict()[name])


def test_another_architecture_is_refused(material):
    with pytest.raises(
        InputError, match=r"rtd trains an ELECTRA, and this is a bert; see backbones\.\*\.start"
    ):
        OBJECTIVES.make("rtd").on(material())
