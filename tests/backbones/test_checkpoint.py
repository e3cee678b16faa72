"""Checkpoints that are whole load; for those that are not, one clear message each."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModelForSequenceClassification,
    BertForPreTraining,
    DistilBertConfig,
    DistilBertModel,
)

from sirbench.backbones import checkpoint
from sirbench.backbones.checkpoint import (
    check_checkpoint,
    load_encoder,
    load_model,
    load_token_regression,
    load_tokenizer,
)
from sirbench.machine.errors import InputError
from sirbench.machine.manifest import recorded_folder


@pytest.fixture
def folder(tiny_backbone, tmp_path):
    return shutil.copytree(tiny_backbone, tmp_path / "backbone", ignore=shutil.ignore_patterns(".manifest"))


def change_weights(folder, change):
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def change_config(folder, **values):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | values))


def refused(folder, message):
    with pytest.raises(InputError, match=f"^{folder}: {message}"):
        check_checkpoint(folder)


def test_a_whole_one_is_a_classifier_with_one_label(folder):
    check_checkpoint(folder)
    model = load_model(folder, seed=1)
    assert model.num_labels == 1 and {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    for name, weight in load_file(folder / "model.safetensors").items():
        assert torch.equal(model.state_dict()[f"bert.{name}"], weight)


def test_a_regression_has_one_output_for_each_token(folder):
    model = load_token_regression(folder, seed=1)
    assert model(input_ids=torch.tensor([[2, 5, 6, 3]])).logits.shape == (1, 4, 1)
    for name, weight in load_file(folder / "model.safetensors").items():
        if "pooler" not in name:
            assert torch.equal(model.state_dict()[f"bert.{name}"], weight)
    assert torch.equal(model.classifier.weight, load_token_regression(folder, seed=1).classifier.weight)


def test_a_regression_takes_no_head_of_a_ranker(folder):
    """BERT's two heads have the same names and shapes."""
    ranker = load_model(folder, seed=1)
    ranker.save_pretrained(folder)
    models = [load_token_regression(folder, seed) for seed in (1, 1, 2)]
    first, again, other = (model.classifier.weight for model in models)
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert not torch.equal(first, ranker.classifier.weight)
    assert not any(module.training for model in models for module in model.modules())
    for name, weight in models[0].bert.state_dict().items():
        assert torch.equal(weight, ranker.bert.state_dict()[name])


def test_a_regression_keeps_its_own_head(folder):
    model = load_token_regression(folder, seed=1)
    model.save_pretrained(folder)
    assert torch.equal(load_token_regression(folder, seed=2).classifier.weight, model.classifier.weight)


def test_a_new_head_depends_on_the_seed_alone(folder):
    def head(seed, state):
        torch.manual_seed(state)
        torch.rand(state)
        weights = load_model(folder, seed).state_dict()
        assert torch.equal(torch.rand(1), torch.rand(1, generator=after(state)))
        return weights.pop("classifier.weight"), weights

    def after(state):
        generator = torch.Generator().manual_seed(state)
        torch.rand(state, generator=generator)
        return generator

    (first, encoder), (again, _), (other, other_encoder) = head(1, 5), head(1, 6), head(2, 5)
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert all(torch.equal(weight, other_encoder[name]) for name, weight in encoder.items())


def test_a_head_of_one_label_is_kept_and_another_replaced(folder):
    for labels in (1, 3):
        model = AutoModelForSequenceClassification.from_pretrained(
            folder, num_labels=labels, ignore_mismatched_sizes=True
        )
        model.save_pretrained(folder)
        loaded = load_model(folder, seed=9)
        assert loaded.classifier.weight.shape == (1, 16)
        assert torch.equal(loaded.classifier.weight, model.classifier.weight) == (labels == 1)


def test_a_pooler_may_be_missing(folder):
    """That of a masked language model, for one."""
    change_weights(folder, lambda weights: [weights.pop(name) for name in list(weights) if "pooler" in name])
    check_checkpoint(folder)
    first, again, other = (load_model(folder, seed).bert.pooler.dense.weight for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_an_encoder_is_the_one_within_the_classifier_and_the_same_at_every_call(folder):
    change_weights(folder, lambda weights: [weights.pop(name) for name in list(weights) if "pooler" in name])
    encoder, again, classifier = load_encoder(folder), load_encoder(folder), load_model(folder, seed=3)
    for name, weight in encoder.state_dict().items():
        assert torch.equal(weight, again.state_dict()[name])
        assert torch.equal(weight, classifier.bert.state_dict()[name]) or "pooler" in name


def test_an_encoder_lacks_nothing_and_has_nothing_too_much(folder):
    change_weights(folder, lambda it: it.update({"encoder.layer.1.output.dense.bias": torch.ones(16)}))
    with pytest.raises(InputError, match=r"has 1 weights of its encoder that .* encoder\.layer\.1\.output"):
        load_encoder(folder)
    change_weights(folder, lambda it: it.pop("encoder.layer.0.output.dense.bias"))
    with pytest.raises(InputError, match=r"lacks 1 weights of its encoder .* encoder\.layer\.0\.output"):
        load_encoder(folder)


@pytest.mark.parametrize(
    "name",
    [
        "encoder.layer.0.intermediate.dense.weight",  # `dense`, as in heads
        "encoder.layer.0.attention.output.dense.bias",
        "embeddings.word_embeddings.weight",
    ],
)
def test_a_missing_weight_is_named(name, folder):
    change_weights(folder, lambda weights: weights.pop(name))
    refused(folder, rf"the checkpoint lacks 1 weights of its encoder .* e\.g\. bert\.{name};")


def test_weights_of_another_architecture(folder):
    shape = {"dim": 16, "n_layers": 1, "n_heads": 2, "hidden_dim": 64}
    DistilBertModel(DistilBertConfig(vocab_size=50, **shape)).save_pretrained(folder / "other")
    shutil.copy(folder / "other/model.safetensors", folder)
    refused(
        folder, r"the checkpoint lacks \d+ weights of its encoder .* another architecture than its config"
    )


def test_a_configuration_of_another_shape(folder):
    change_config(folder, intermediate_size=32)
    refused(folder, r"the checkpoint lacks 3 weights of its encoder or has them in another shape")


def test_a_configuration_of_more_layers(folder):
    change_config(folder, num_hidden_layers=2)
    refused(folder, r"the checkpoint lacks 16 weights of its encoder")


def test_a_tokenizer_larger_than_the_vocabulary(folder):
    size = len(load_tokenizer(folder))
    tokenizer = load_tokenizer(folder)
    tokenizer.add_tokens(["one", "more"])
    tokenizer.save_pretrained(folder)
    refused(folder, f"the tokenizer has {size + 2} tokens and the model embeddings for {size} only")


@pytest.mark.parametrize("kept", [[], ["tokenizer_config.json"]])
def test_no_tokenizer(kept, folder):
    for path in folder.glob("tokenizer*"):
        if path.name not in kept:
            path.unlink()
    refused(folder, "no usable tokenizer")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("tokenizer.json", "{", "no usable tokenizer"),
        ("config.json", "{", "not a checkpoint that can be loaded: .*not a valid JSON"),
        ("config.json", '{"model_type": "nonsense"}', "not a checkpoint that can be loaded: .*nonsense"),
        ("model.safetensors", "", "not a checkpoint that can be loaded"),
        ("model.safetensors", "rubbish" * 100, "not a checkpoint that can be loaded"),
    ],
)
def test_a_damaged_file(name, content, message, folder):
    (folder / name).write_text(content)
    refused(folder, message)


def test_half_of_the_weights(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    refused(folder, "not a checkpoint that can be loaded")


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_missing_file(name, folder):
    (folder / name).unlink()
    refused(folder, "not a checkpoint that can be loaded")


def test_weights_that_the_configuration_has_no_place_for(folder):
    """Half of a model's layers would be another model."""
    change_weights(
        folder,
        lambda weights: weights.update(
            {
                name.replace("layer.0", "layer.1"): weight + 1
                for name, weight in weights.items()
                if "layer.0" in name
            }
        ),
    )
    refused(
        folder,
        r"the checkpoint has 16 weights of its encoder that its config\.json has no place for, e\.g\. "
        r"encoder\.layer\.1\.",
    )


def test_heads_of_other_tasks_and_old_buffers_may_lie_in_a_checkpoint(folder):
    """As in the published BERT and ELECTRA."""
    BertForPreTraining.from_pretrained(folder).save_pretrained(folder)
    change_weights(
        folder, lambda weights: weights.update({"bert.embeddings.position_ids": torch.arange(512)[None]})
    )
    check_checkpoint(folder)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused_by_name(number, folder):
    """Also where no score shows it, as in the embedding of a word that is not asked for."""

    def damage(weights):
        weights["embeddings.word_embeddings.weight"][-1, 0] = number

    change_weights(folder, damage)
    for load in (lambda: load_model(folder, seed=1), lambda: load_encoder(folder)):
        with pytest.raises(InputError, match=r"damaged weights: \S*word_embeddings.weight has"):
            load()


def test_a_vocabulary_that_is_cut_is_refused(folder, monkeypatch):
    monkeypatch.setattr(checkpoint, "SPARE", 10)
    check_checkpoint(folder)
    content = json.loads((folder / "tokenizer.json").read_text())
    kept = {word: number for word, number in content["model"]["vocab"].items() if number < 30}
    content["model"]["vocab"] = kept
    (folder / "tokenizer.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match="is its vocabulary cut"):
        check_checkpoint(folder)


NO_PADDING = {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": None}


def test_a_tokenizer_that_cannot_pad_is_refused(folder):
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(settings | NO_PADDING))
    with pytest.raises(InputError, match="it has no token to pad with"):
        load_tokenizer(folder)


def test_a_checkpoint_that_changed_since_it_was_made_is_refused(tiny_backbone, tmp_path):
    made = tmp_path / "made"
    with recorded_folder(made) as temporary:
        shutil.copytree(tiny_backbone, temporary, dirs_exist_ok=True)
    weights = bytearray((made / "model.safetensors").read_bytes())
    weights[-5] ^= 1
    (made / "model.safetensors").write_bytes(weights)
    with pytest.raises(InputError, match=rf"made/model\.safetensors: changed .*; remove {made} "):
        load_model(made, seed=1)
