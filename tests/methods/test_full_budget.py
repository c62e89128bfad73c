"""``at`` and ``trades``: their attack uses its budget, their losses are those of their papers, their eps grows."""

from dataclasses import replace

import pytest
import torch
import toys
from torch.nn import functional

from nsr_core.attacks import BatchRandomness, Box
from nsr_core.methods import METHODS, get_method
from nsr_core.methods.full_budget import FullAdversarial, FullBudget, Trades
from nsr_core.training.captured import with_tensors
from nsr_core.training.config import paper_config
from nsr_core.training.loop import TrainingRun

pytestmark = pytest.mark.slow

BEYOND = {name: method for name, method in METHODS.items() if isinstance(method, FullBudget)}
every_method = pytest.mark.parametrize("name", BEYOND)


@pytest.fixture
def uniform():
    return BatchRandomness(torch.Generator().manual_seed(5), 8).uniform(187)


@pytest.mark.parametrize("eps", [0.01, 0.1, 0.3])
def test_the_attack_reaches_the_corner_of_its_budget_from_anywhere(eps, uniform):
    """On z_0 - z_1 = offset - d . x the best noise is eps sign(d); ten steps of eps / 4 get there from -eps too."""
    generator = torch.Generator().manual_seed(0)
    sign = 2.0 * torch.randint(0, 2, (187,), generator=generator, dtype=torch.float64) - 1
    model, x = toys.two_class(0.01 * sign, offset=0.1), torch.full((8, 187), 0.5, dtype=torch.float64)
    y = torch.zeros(8, dtype=torch.int64)
    method = FullAdversarial(eps=eps)

    def push(logits):
        return functional.one_hot(1 - y, logits.shape[1]) - functional.one_hot(y, logits.shape[1]).double()

    torch.testing.assert_close(method.attack(model, x, push, uniform) - x, (eps * sign).expand(8, -1))


@every_method
def test_the_attacked_beats_stay_in_the_budget(name, uniform):
    model, method = toys.fresh("mlp"), BEYOND[name]
    x, _ = toys.random_beats(8)
    x_adv = method.attack(model, x, lambda logits: logits.softmax(1) - 0.2, uniform)
    torch.testing.assert_close(Box.around(x, method.eps).clip(x_adv), x_adv, rtol=0, atol=1e-7)


def climbed(model, x, eps, uniform, loss, steps=10, reach=2.5):
    """Sign steps up ``loss(model(x_adv))``, by autograd and from the definition."""
    low, high = (x - eps).clamp(0, 1), (x + eps).clamp(0, 1)
    x_adv = (x + eps * uniform.double()).clamp(low, high)
    for _ in range(steps):
        leaf = x_adv.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(loss(model(leaf)).sum(), leaf)
        x_adv = (leaf + reach * eps / steps * gradient.sign()).clamp(low, high).detach()
    return x_adv


def assert_same(model, loss, expected):
    torch.testing.assert_close(loss, expected, rtol=1e-10, atol=1e-12)
    for ours, wanted in zip(
        *(torch.autograd.grad(one, list(model.parameters())) for one in (loss, expected)), strict=True
    ):
        torch.testing.assert_close(ours, wanted, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("network", ["mlp", "cnn"])
@pytest.mark.parametrize("clean_share", [0.0, 0.5, 0.8])
def test_at_is_the_cross_entropy_of_beats_and_attacked_ones(network, clean_share):
    model = toys.fresh(network, dtype=torch.float64)
    x, _ = toys.random_beats(6, dtype=torch.float64)
    y = torch.tensor([0, 1, 2, 3, 4, 0])
    uniform = BatchRandomness(torch.Generator().manual_seed(5), 6).uniform(187)
    x_adv = climbed(model, x, 0.1, uniform, lambda logits: functional.cross_entropy(logits, y, reduction="none"))
    parts = [functional.cross_entropy(model(at), y) for at in (x, x_adv)]
    expected = clean_share * parts[0] + (1 - clean_share) * parts[1]
    assert_same(
        model,
        FullAdversarial(eps=0.1, clean_share=clean_share).loss(model, x, y, torch.Generator().manual_seed(5)),
        expected,
    )


@pytest.mark.parametrize("network", ["mlp", "cnn"])
def test_trades_is_cross_entropy_and_beta_times_the_divergence(network):
    """sum_k p_k (log p_k - log q_k), p of the beat and q of the attacked one, the mean over the batch."""
    model = toys.fresh(network, dtype=torch.float64)
    x, _ = toys.random_beats(6, dtype=torch.float64)
    y = torch.tensor([0, 1, 2, 3, 4, 0])
    uniform = BatchRandomness(torch.Generator().manual_seed(5), 6).uniform(187)

    def divergence(p, logits):
        return (p * (p.log() - logits.softmax(1).log())).sum(1)

    fixed = model(x).softmax(1).detach()
    x_adv = climbed(model, x, 0.1, uniform, lambda logits: divergence(fixed, logits))
    clean = model(x)
    expected = functional.cross_entropy(clean, y) + 3 * divergence(clean.softmax(1), model(x_adv)).mean()
    assert_same(model, Trades(eps=0.1, beta=3.0).loss(model, x, y, torch.Generator().manual_seed(5)), expected)


@every_method
def test_eps_grows_from_nothing_to_all_of_it(name):
    """With a ramp of 0.5 a quarter of the training has half of eps; beyond the ramp nothing changes any more."""
    method = type(BEYOND[name])(eps=0.2, ramp=0.5)
    assert [method.scheduled(done).eps for done in (0, 0.25, 0.5, 0.9)] == pytest.approx([0, 0.1, 0.2, 0.2])
    assert type(method)(eps=0.2, ramp=0.0).scheduled(0.0).eps == 0.2


@every_method
def test_training_follows_the_schedule(name, demo_beats, demo_split, monkeypatch):
    """Two epochs of n steps: step s of epoch e has eps * (e n + s) / (2 n) / ramp, up to eps."""
    method = BEYOND[name]
    run = TrainingRun(
        paper_config("mlp", name, epochs=2, source="demo", batch_size=512), demo_beats, demo_split, torch.device("cpu")
    )
    seen = []
    monkeypatch.setattr(run, "step", lambda *_: seen.append(run.pace.method.eps) or torch.zeros(()))
    for epoch in (0, 1):
        run.epoch(epoch, lambda *_: None)
    count = run.steps_per_epoch
    expected = [method.eps * min(1, step / (2 * count) / method.ramp) for step in range(2 * count)]
    assert seen == pytest.approx(expected)


@every_method
@pytest.mark.parametrize("network", ["mlp", "cnn"])
def test_a_noise_level_on_the_device_is_as_good_as_a_number(name, network):
    """What a captured step is replayed with, so that eps can grow between two replays."""
    model, method = toys.fresh(network, dtype=torch.float64), get_method(name, network)
    x, _ = toys.random_beats(8, dtype=torch.float64)
    y, eps = torch.arange(8) % 5, torch.tensor(0.07, dtype=torch.float64)
    losses = [
        now.loss(model, x, y, torch.Generator().manual_seed(5))
        for now in (with_tensors(method, {"eps": eps}), replace(method, eps=0.07))
    ]
    assert_same(model, *losses)


@every_method
def test_no_run_of_it_is_by_the_paper_protocol(name):
    assert paper_config("mlp", name).protocol == "custom"


@pytest.mark.parametrize("name", ["at0.1", "trades0.1"])
@pytest.mark.parametrize("network", ["mlp", "cnn"])
def test_beside_the_attack_and_the_learning_rate_they_train_as_the_papers_adversarial_training(name, network):
    theirs, rate = get_method("adv0.1", network).recipe(network), {"mlp": 0.01, "cnn": 0.001}[network]
    assert get_method(name, network).recipe(network) == replace(theirs, schedule="cosine", learning_rate=rate)
