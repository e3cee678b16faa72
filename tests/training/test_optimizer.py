import pytest
import torch
from torch import nn
from transformers import get_linear_schedule_with_warmup

from sirbench.backbones.checkpoint import load_model
from sirbench.study import Training
from sirbench.training.optimizer import learning_rate_factor, make_optimizer, parameter_groups


def transformers_factor(step, steps, warmup_steps):
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = get_linear_schedule_with_warmup(optimizer, warmup_steps, steps)
    return schedule.lr_lambdas[0](step)


@pytest.mark.parametrize(("steps", "warmup_steps"), [(100, 10), (40, 0), (7, 3), (1000, 999)])
def test_from_the_peak_on_it_is_transformers_schedule(steps, warmup_steps):
    for step in range(warmup_steps, steps):
        expected = transformers_factor(step, steps, warmup_steps)
        assert learning_rate_factor(step, steps, warmup_steps / steps) == pytest.approx(expected)


def test_the_warm_up_skips_transformers_first_step_of_size_0():
    """transformers counts 0/10, 1/10, ..., 1: its first step changes nothing. Here 1/11, ..., 10/11, 1."""
    assert transformers_factor(0, 100, 10) == 0
    ours = [learning_rate_factor(step, 100, 0.1) for step in range(11)]
    assert ours == pytest.approx([(step + 1) / 11 for step in range(11)])


@pytest.mark.parametrize("steps", [1, 2, 4, 9, 100])
@pytest.mark.parametrize("warmup", [0.0, 0.1, 0.5, 1.0])
def test_every_step_moves_and_none_beyond_the_peak(steps, warmup):
    factors = [learning_rate_factor(step, steps, warmup) for step in range(steps)]
    assert all(0 < factor <= 1 for factor in factors)
    assert learning_rate_factor(steps, steps, warmup) == 0
    highest = factors.index(max(factors))
    assert factors == sorted(factors[:highest]) + sorted(factors[highest:], reverse=True)


def test_biases_and_norms_do_not_decay(tiny_backbone):
    model = load_model(tiny_backbone, seed=1)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    decaying, others = (
        {names[id(parameter)] for parameter in group["params"]} for group in parameter_groups(model, 0.01)
    )
    spared = {name for name in names.values() if name.endswith("bias") or "LayerNorm" in name}
    assert others == spared
    assert decaying == set(names.values()) - spared


def test_the_paper_s_adamw():
    """Two steps by hand: decoupled decay, and Adam's first updates of one learning rate each."""
    model = nn.Linear(1, 1)
    nn.init.constant_(model.weight, 1.0)
    nn.init.constant_(model.bias, 1.0)
    settings = Training(learning_rate=0.1, weight_decay=0.5, warmup=0.0)
    optimizer, scheduler = make_optimizer(model, settings, steps=2)
    assert optimizer.defaults["betas"] == (0.9, 0.999)
    for _ in range(2):
        for parameter in model.parameters():
            parameter.grad = torch.full_like(parameter, 3.0)
        optimizer.step()
        scheduler.step()
    # A constant gradient moves by the learning rate: 0.1, then 0.05. The weight shrinks by lr * 0.5 before.
    assert model.bias.item() == pytest.approx(1 - 0.1 - 0.05, abs=1e-6)
    assert model.weight.item() == pytest.approx(((1 * 0.95 - 0.1) * 0.975) - 0.05, abs=1e-6)


def test_its_one_kernel_computes_what_torchs_plain_adamw_does():
    torch.manual_seed(0)
    settings = Training(learning_rate=0.1, weight_decay=0.5, warmup=0.0)
    ours, plain = nn.Linear(7, 5), nn.Linear(7, 5)
    plain.load_state_dict(ours.state_dict())
    optimizer, scheduler = make_optimizer(ours, settings, steps=10)
    assert optimizer.defaults["fused"]
    groups = parameter_groups(plain, settings.weight_decay)
    other = torch.optim.AdamW(groups, lr=0.1, betas=settings.adam_betas, fused=False, foreach=False)
    for step in range(9):
        for one, same in zip(ours.parameters(), plain.parameters(), strict=True):
            one.grad = torch.randn(one.shape)
            same.grad = one.grad.clone()
        for group in other.param_groups:
            group["lr"] = 0.1 * learning_rate_factor(step, 10, 0.0)
        optimizer.step()
        scheduler.step()
        other.step()
    for one, same in zip(ours.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(one, same, rtol=1e-5, atol=1e-6)
