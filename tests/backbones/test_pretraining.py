"""Objectives of one backbone: one encoder, losses weighted and summed, and what of it is saved."""

import json

import pytest
import torch
from safetensors.torch import load_file

from sirbench.backbones.checkpoint import load_model, load_tokenizer
from sirbench.backbones.objectives import OBJECTIVES
from sirbench.backbones.pretraining import Pretraining, SharedModel
from sirbench.study import Corpus, PretrainedBackbone
from sirbench.training.loop import train

NAMES = OBJECTIVES.names()


def task(material, weights, tmp_path, **changes):
    """A training job of these objectives, with dropout as the start's configuration has it."""
    made = material(**changes)
    made.model.train()
    spec = PretrainedBackbone(
        source="pretrained", start="bert", objectives=weights, corpus=Corpus(source="collection"), steps=3
    )
    objectives = {name: OBJECTIVES.make(name).on(made) for name in weights}
    return Pretraining(
        name="test",
        model=SharedModel(made.model, objectives),
        settings=spec.training,
        folder=tmp_path,
        fingerprint="",
        spec=spec,
    )


def gradients(job, step):
    job.model.zero_grad()
    one = job.forward_backward(step)
    parameters = job.model.model.named_parameters()
    return one, {name: p.grad.clone() for name, p in parameters if p.grad is not None}


@pytest.fixture
def start_of(tiny_backbone, tiny_electra):
    return lambda name: tiny_electra if name == "rtd" else tiny_backbone


@pytest.mark.parametrize("name", NAMES)
def test_a_step_is_a_function_of_its_number_and_the_seed(name, material, start_of, tmp_path):
    """Dropout too: a killed job, started again at a step, goes on with the same numbers."""

    def loss(step, seed=1):
        job = task(material, {name: 1.0}, tmp_path, start=start_of(name), seed=seed)
        torch.manual_seed(torch.seed())
        return gradients(job, step)

    (first, gradient), (again, same) = loss(2), loss(2)
    assert first == again and all(torch.equal(gradient[key], same[key]) for key in gradient)
    assert first.loss != loss(1)[0].loss
    assert first.loss != loss(2, seed=2)[0].loss


@pytest.mark.parametrize("name", NAMES)
def test_an_objective_says_truly_whether_it_trains_the_head(name, material, start_of, tmp_path):
    job = task(material, {name: 1.0}, tmp_path, start=start_of(name))
    _, gradient = gradients(job, 0)
    head = [key for key in gradient if key.startswith("classifier") and gradient[key].abs().sum() > 0]
    assert bool(head) == job.model.objectives[name].trains_head
    assert any("encoder" in key for key in gradient)


def test_the_loss_of_several_is_their_weighted_sum(material, tmp_path):
    expected = {}
    for name, weight in (("prop", 2.0), ("ict", 0.5)):
        made = task(material, {name: weight}, tmp_path)
        for module in made.model.model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        expected[name] = gradients(made, 1)
    # Without dropout, since the second objective of a step has other masks than it would have alone.
    made = task(material, {"prop": 2.0, "ict": 0.5}, tmp_path)
    for module in made.model.model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    together, sum_of = gradients(made, 1)
    assert together.loss == pytest.approx(expected["prop"][0].loss + expected["ict"][0].loss, rel=1e-6)
    assert together.notes["prop"] * 2 == pytest.approx(expected["prop"][0].loss, rel=1e-6)
    assert together.inputs == expected["prop"][0].inputs + expected["ict"][0].inputs
    for key, value in sum_of.items():
        torch.testing.assert_close(value, expected["prop"][1][key] + expected["ict"][1][key])


@pytest.mark.parametrize("name", NAMES)
def test_all_that_has_a_gradient_is_trained_once(name, material, start_of, tmp_path):
    """Encoder, classification head and the objective's own heads are among what the optimiser is given."""
    job = task(material, {name: 1.0}, tmp_path, start=start_of(name))
    given = [id(parameter) for parameter in job.model.parameters()]
    assert len(given) == len(set(given))
    assert {id(parameter) for parameter in job.model.model.parameters()} <= set(given)
    heads = job.model.objectives[name].heads().values()
    assert {id(parameter) for head in heads for parameter in head.parameters()} <= set(given)


def test_objectives_share_one_encoder(material, tmp_path):
    job = task(material, {"mlm": 1.0, "nsp": 1.0}, tmp_path)
    encoder = job.model.model.base_model
    assert job.model.objectives["mlm"].model.base_model is encoder
    assert job.model.objectives["nsp"].model.base_model is encoder


@pytest.mark.parametrize("name", NAMES)
def test_training_changes_the_encoder_and_the_head_that_it_trains(name, material, start_of, tmp_path):
    job = task(material, {name: 1.0}, tmp_path, start=start_of(name))
    before = {key: value.clone() for key, value in job.model.model.state_dict().items()}
    assert train(job).step == 3
    changed = {
        key for key, value in job.model.model.state_dict().items() if not torch.equal(value, before[key])
    }
    assert any(".encoder." in key for key in changed)
    assert any(key.startswith("classifier") for key in changed) == job.model.objectives[name].trains_head


@pytest.mark.parametrize(("names", "kept"), [(["mlm", "nsp"], False), (["mlm", "prop"], True)])
def test_a_head_is_saved_if_an_objective_has_trained_it(names, kept, material, tmp_path):
    made = material()
    objectives = {name: OBJECTIVES.make(name).on(made) for name in names}
    SharedModel(made.model, objectives).save_pretrained(tmp_path)
    load_tokenizer(made.start).save_pretrained(tmp_path)
    saved = load_file(tmp_path / "model.safetensors")
    assert ("classifier.weight" in saved) == kept
    # Nothing of the objectives' own heads.
    assert all(name.startswith(("bert.", "classifier.")) for name in saved)
    assert json.loads((tmp_path / "config.json").read_text())["architectures"] == [
        "BertForSequenceClassification"
    ]
    first, other = (load_model(tmp_path, seed).classifier.weight for seed in (1, 2))
    assert torch.equal(first, other) == kept
    assert not kept or torch.equal(first, made.model.classifier.weight)


def test_memory_can_be_saved_without_another_gradient(material, tmp_path):
    from sirbench.study import Compute

    plain, cached = (
        task(
            material, {"ict": 1.0}, tmp_path, compute=Compute(gpus=0, gradient_cache=cache, chunk_tokens=100)
        )
        for cache in (False, True)
    )
    (one, expected), (two, found) = gradients(plain, 0), gradients(cached, 0)
    assert one.loss == pytest.approx(two.loss, rel=1e-6)
    for key in expected:
        torch.testing.assert_close(found[key], expected[key], atol=1e-6, rtol=1e-4)
