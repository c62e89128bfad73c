"""nsr_core against the plain implementation in ``benchmarks/reference.py``, in float64.

The two were written from the same description without sight of each other; where they agree, a slip would have to
have been made twice. Both networks hold the same parameters; all chance is drawn once and given to both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from benchmarks import reference
from nsr_core.attacks import PGD, SPSA, BatchRandomness
from nsr_core.data import Beats, Split
from nsr_core.methods import METHODS, PAPER_METHODS, get_method
from nsr_core.models import NETWORKS, make_network, parameter_count
from nsr_core.models.kernels import initialise, normalise_kernels
from nsr_core.training.batches import balanced_order
from nsr_core.training.config import paper_config
from nsr_core.training.loop import TrainingRun

pytestmark = pytest.mark.slow

PLAIN = {"mlp": reference.PlainMLP, "cnn": reference.PlainCNN}
# How many samples of a batch are given a wrong label.
WRONG = {1: 0, 3: 1, 8: 3}
SEED = 20

both_networks = pytest.mark.parametrize("network", NETWORKS)
all_methods = pytest.mark.parametrize("method", PAPER_METHODS)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def beats(network: str, count: int = 64, seed: int = SEED) -> Tensor:
    """Random beats (count, 187) in [0, 1], from flat to spiky, half of them padded: with zeros, or for the CNN faintly.

    On constant padding all values in a max-pool's window are equal up to rounding, and rounding decides which of them
    gets the gradient. So the CNN's gradient by a zero-padded beat is not defined: parameters that differ by 1e-16 move
    it by 0.1, in the plain network just as in ours. There is nothing to agree on there.
    """
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(count, 187, dtype=torch.float64, generator=generator)
    x = x ** (8 * torch.rand(count, 1, dtype=torch.float64, generator=generator))
    x[::2, 120:] *= {"mlp": 0.0, "cnn": 0.01}[network]
    return x


@cache
def _parameters(network: str, bias: bool) -> dict[str, Tensor]:
    torch.manual_seed(SEED)
    model = make_network(network, bias).double()
    last = [layer for layer in model.modules() if isinstance(layer, nn.Linear)][-1]
    seen: list[Tensor] = []
    hook = last.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(1.5).add_(0.02 * torch.randn_like(p))
        model(beats(network))
        mean = seen[0].mean(0)
        last.weight.sub_(torch.outer(last.weight @ mean, mean) / (mean @ mean))
        if last.bias is not None:
            last.bias.mul_(0.1)
        last.weight.div_((seen[0] @ last.weight.T).std())
    hook.remove()
    return model.state_dict()


def twins(network: str, bias: bool = True) -> tuple[nn.Module, nn.Module]:
    """A network of ours and the plain one with the same parameters, float64, kernels not of unit norm.

    The last layer is turned away from the mean of its inputs, so that all classes are predicted, and scaled so that
    some pairs of logits are further apart than the margin of 1 and some are nearer.
    """
    ours, plain = make_network(network, bias).double().eval(), PLAIN[network](bias).double().eval()
    ours.load_state_dict(_parameters(network, bias))
    reference.copy_parameters(ours, plain)
    return ours, plain


def batch_for(model: nn.Module, size: int, wrong: int, seed: int = SEED) -> tuple[Tensor, Tensor]:
    """Beats (size, 187) of as many predicted classes as there are, the last ``wrong`` of them mislabelled."""
    x = beats(model.name, seed=seed)
    label = reference.predict(model, x)
    found = [torch.nonzero(label == k).flatten().tolist() for k in range(5)]
    order = [rows[turn] for turn in range(len(x)) for rows in found if turn < len(rows)][:size]
    x, y = x[order], label[order].clone()
    y[size - wrong :] = (y[size - wrong :] + 1 + torch.arange(wrong) % 4) % 5
    assert int((reference.predict(model, x) == y).sum()) == size - wrong
    return x, y


def start_of(method: str, x: Tensor, seed: int = SEED) -> Tensor | None:
    """Where ``adv`` starts (batch, 187), as ours draws it from a generator of that seed."""
    if not method.startswith("adv"):
        return None
    uniform = BatchRandomness(torch.Generator().manual_seed(seed), len(x)).uniform(x.shape[1])
    return METHODS[method].eps * uniform.to(x)


def assert_same_loss(
    network: str, method: str, ours: nn.Module, plain: nn.Module, x: Tensor, y: Tensor
) -> tuple[float, float]:
    """Loss values and all parameter gradients agree to 1e-9. Returns both values."""
    loss = get_method(method, network).loss(ours, x, y, torch.Generator().manual_seed(SEED))
    expected = reference.batch_loss(method, network, plain, x, y, start_of(method, x))
    torch.testing.assert_close(loss, expected, rtol=1e-10, atol=1e-10)
    gradients = torch.autograd.grad(loss, list(ours.parameters()), allow_unused=True)
    expected_gradients = torch.autograd.grad(expected, list(plain.parameters()), allow_unused=True)
    for gradient, wanted, p in zip(gradients, expected_gradients, ours.parameters(), strict=True):
        gradient = torch.zeros_like(p) if gradient is None else gradient
        wanted = torch.zeros_like(p) if wanted is None else wanted
        assert bool(torch.isfinite(gradient).all())
        torch.testing.assert_close(gradient, wanted, rtol=1e-9, atol=1e-9)
    return float(loss.detach()), float(expected.detach())


def assert_same_parameters(ours: nn.Module, plain: nn.Module, tolerance: float = 1e-12) -> None:
    for p, wanted in zip(ours.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(p, wanted, rtol=tolerance, atol=tolerance)


# Networks


@both_networks
@pytest.mark.parametrize("bias", [True, False])
def test_networks_compute_the_same(network: str, bias: bool) -> None:
    ours, plain = twins(network, bias)
    x, _ = batch_for(ours, 8, 0)
    torch.testing.assert_close(ours(x), plain(x), rtol=1e-12, atol=1e-12)
    assert parameter_count(ours) == sum(p.numel() for p in plain.parameters())


@both_networks
def test_parameter_counts_are_the_papers(network: str) -> None:
    assert parameter_count(make_network(network)) == {"mlp": 61_381, "cnn": 53_957}[network]


@both_networks
@pytest.mark.parametrize("bias", [True, False])
def test_kernel_normalisation_agrees(network: str, bias: bool) -> None:
    ours, plain = twins(network, bias)
    with torch.no_grad():
        for model in (ours, plain):
            next(model.parameters())[0] = 0  # a kernel of norm 0 stays 0
    before = [p.clone() for p in plain.parameters()]
    normalise_kernels(ours.normalised_layers())
    reference.normalise_kernels_(plain)
    assert_same_parameters(ours, plain)
    same = sum(bool(torch.equal(p, old)) for p, old in zip(plain.parameters(), before, strict=True))
    # Untouched: the MLP's last layer; the two convolutions of the CNN's fifth block.
    assert same == {"mlp": 1, "cnn": 2}[network] * (2 if bias else 1)


@both_networks
def test_construction_agrees(network: str) -> None:
    ours, plain = twins(network)
    initialise(ours)
    reference.initialise_(plain)
    assert_same_parameters(ours, plain)


# Methods


@both_networks
@all_methods
@pytest.mark.parametrize("size", WRONG)
def test_loss_and_gradients_agree(network: str, method: str, size: int) -> None:
    ours, plain = twins(network, bias=reference.has_bias(method))
    x, y = batch_for(ours, size, WRONG[size])
    assert_same_loss(network, method, ours, plain, x, y)


@both_networks
@all_methods
@pytest.mark.parametrize("size", [1, 8])
def test_loss_and_gradients_agree_where_no_sample_is_correctly_classified(network: str, method: str, size: int) -> None:
    ours, plain = twins(network, bias=reference.has_bias(method))
    x, y = batch_for(ours, size, size)
    loss, _ = assert_same_loss(network, method, ours, plain, x, y)
    if method in ("mseMargin", "loss1", "loss2"):
        assert loss == pytest.approx(float(reference.mse(plain, x, y).detach()), rel=1e-12)


@both_networks
@pytest.mark.parametrize("method", ["mseMargin", "loss1", "loss2", "jacob"])
@pytest.mark.parametrize("gain", [0.001, 30.0])
def test_loss_and_gradients_agree_with_tiny_and_with_huge_logits(network: str, method: str, gain: float) -> None:
    """Tiny: every pair lies within the margin, and 0.01 rules loss2's signal. Huge: hardly any pair does."""
    ours, plain = twins(network, bias=reference.has_bias(method))
    x, y = batch_for(ours, 8, 3)
    with torch.no_grad():
        *_, weight = (p for p in ours.parameters() if p.dim() > 1)
        weight.mul_(gain)
        if reference.has_bias(method):
            list(ours.parameters())[-1].mul_(gain)
    reference.copy_parameters(ours, plain)
    assert int((reference.predict(ours, x) == y).sum()) == 5
    assert_same_loss(network, method, ours, plain, x, y)


@both_networks
@pytest.mark.parametrize("method", ["mseMargin", "loss2"])
def test_loss_and_gradients_agree_where_the_label_wins_with_a_negative_logit(network: str, method: str) -> None:
    ours, plain = twins(network)
    x, y = batch_for(ours, 8, 3)
    with torch.no_grad():
        list(ours.parameters())[-1].sub_(100)
    reference.copy_parameters(ours, plain)
    assert float(ours(x).detach().max()) < 0
    assert_same_loss(network, method, ours, plain, x, y)


@all_methods
def test_loss_agrees_on_a_beat_of_zeros(method: str) -> None:
    """loss1 divides by x'x, which the 1e-8 must save."""
    network = "mlp"
    ours, plain = twins(network, bias=reference.has_bias(method))
    x, y = batch_for(ours, 3, 1)
    x[0] = 0
    y[0] = int(reference.predict(ours, x)[0])
    assert_same_loss(network, method, ours, plain, x, y)


@both_networks
@all_methods
def test_recipe_agrees(network: str, method: str) -> None:
    recipe = get_method(method, network).recipe(network)
    assert recipe.bias == reference.has_bias(method)
    assert recipe.normalise_kernels == reference.has_normalisation(method, network)
    assert recipe.weight_decay == (reference.DECAY if reference.has_decay(method, network) else 0)


# Training


def training_run(network: str, method: str) -> TrainingRun:
    """A run of the paper protocol on beats that nobody looks at; its network in float64."""
    x, y, row = beats(network, 10).float().numpy(), np.arange(10) % 5, np.arange(10)
    nothing, no = np.full(10, ""), np.zeros(10, bool)
    made = Beats(x, y, row, nothing, row, nothing, x[:, 0], x[:, 0], no, no, "mitbih")
    split = Split("beat", 0, row, row, row, "")
    run = TrainingRun(paper_config(network, method), made, split, torch.device("cpu"))
    run.network.double()
    assert all(p is q for p, q in zip(run.parameters, run.network.parameters(), strict=True))
    return run


@both_networks
@all_methods
def test_training_steps_agree(network: str, method: str) -> None:
    """Three steps in a row, so that Adamax's memory counts too, from kernels that are not normalised yet."""
    start, plain = twins(network, bias=reference.has_bias(method))
    run = training_run(network, method)
    reference.copy_parameters(start, run.network)
    optimiser = reference.new_optimiser(plain)
    for seed, (size, wrong) in enumerate(WRONG.items()):
        x, y = batch_for(start, size, wrong, seed)
        loss = run.step(x, y, torch.Generator().manual_seed(seed))
        expected = reference.train_step(method, plain, optimiser, x, y, start_of(method, x, seed))
        assert float(loss) == pytest.approx(expected, rel=1e-9)
        assert_same_parameters(run.network, plain, 1e-9)


def test_tiling_agrees() -> None:
    """The same beats equally often; ours interleaves the classes and shuffles, which the plain one leaves out."""
    y = np.repeat([0, 1, 2, 4], [23, 7, 1, 10])
    order = balanced_order(y, 5, np.random.default_rng(0))
    rows, labels = reference.tile_to_balance(torch.arange(len(y)), torch.from_numpy(y))
    assert sorted(order.tolist()) == sorted(rows.tolist())
    assert y[order].tolist() == labels.reshape(4, 23).T.flatten().tolist()


# Attacks


class GivenChance:
    """Hands the attack the numbers that the reference gets too."""

    def __init__(self, uniform: Tensor, signs: Callable[[int, int, int], Tensor]) -> None:
        self._uniform = uniform
        self._signs = signs

    def uniform(self, width: int, draw: int) -> Tensor:
        assert draw == 0
        return self._uniform

    def signs(self, count: int, width: int, draw: int) -> Tensor:
        return self._signs(count, width, draw)


def drawn_signs(count: int, width: int, draw: int) -> Tensor:
    generator = torch.Generator().manual_seed(1000 + draw)
    return torch.randint(0, 2, (count, width), generator=generator).double() * 2 - 1


def uniform_like(x: Tensor, seed: int = SEED) -> Tensor:
    return torch.rand(x.shape, dtype=x.dtype, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def assert_same_attack(
    ours: nn.Module, x: Tensor, x_adv: Tensor, step: Tensor, eps: float, expected: tuple[Tensor, Tensor, Tensor]
) -> None:
    wanted_x_adv, wanted_label, wanted_step = expected
    assert step.tolist() == wanted_step.tolist()
    assert reference.predict(ours, x_adv).tolist() == wanted_label.tolist()
    torch.testing.assert_close(x_adv, wanted_x_adv, rtol=0, atol=1e-12)
    assert float((x_adv - x).abs().max()) <= eps + 1e-12
    assert float(x_adv.min()) >= 0
    assert float(x_adv.max()) <= 1


@both_networks
@pytest.mark.parametrize("method", ["adv0.1", "adv0.2", "adv0.3"])
def test_adversarial_examples_of_training_agree(network: str, method: str) -> None:
    ours, plain = twins(network)
    x, y = batch_for(ours, 8, 3)
    uniform, eps = uniform_like(x), METHODS[method].eps
    x_adv = METHODS[method].attack(ours, x, y, uniform)
    expected = reference.adversarial_examples(plain, x, y, eps, eps * uniform)
    torch.testing.assert_close(x_adv, expected, rtol=0, atol=1e-12)
    assert float((x_adv - x).abs().max()) <= eps + 1e-12


@both_networks
@pytest.mark.parametrize("size", WRONG)
@pytest.mark.parametrize("eps", [0.0, 0.003, 0.03, 0.1, 0.3])
def test_pgd_agrees(network: str, size: int, eps: float) -> None:
    ours, plain = twins(network)
    x, y = batch_for(ours, size, 0)
    uniform = uniform_like(x)
    result = PGD(steps=20)(ours, x, y, eps, randomness=GivenChance(uniform, drawn_signs))
    expected = reference.pgd_eval(plain, x, y, eps, 20, eps * uniform)
    assert_same_attack(ours, x, result.x_adv, result.step, eps, expected)


@both_networks
def test_pgd_agrees_on_every_kind_of_end(network: str) -> None:
    """Among these beats some are broken by the start, some on the way, some never: else the test above is blind."""
    ours, plain = twins(network)
    x, y = batch_for(ours, 24, 0)
    uniform = uniform_like(x)
    ends = []
    for eps in (0.01, 0.1):
        result = PGD(steps=20)(ours, x, y, eps, randomness=GivenChance(uniform, drawn_signs))
        expected = reference.pgd_eval(plain, x, y, eps, 20, eps * uniform)
        assert_same_attack(ours, x, result.x_adv, result.step, eps, expected)
        ends += result.step.tolist()
    assert -1 in ends
    assert 0 in ends
    assert max(ends) > 1


@both_networks
def test_pgd_agrees_on_the_correct_beats_of_a_mixed_batch(network: str) -> None:
    """Beats misclassified without noise are the evaluation's business, which keeps their clean prediction."""
    ours, plain = twins(network)
    x, y = batch_for(ours, 8, 3)
    uniform = uniform_like(x)
    result = PGD(steps=20)(ours, x, y, 0.03, randomness=GivenChance(uniform, drawn_signs))
    wanted_x_adv, wanted_label, wanted_step = reference.pgd_eval(plain, x, y, 0.03, 20, 0.03 * uniform)
    right = wanted_step != reference.CLEAN_WRONG
    assert int(right.sum()) == 5
    expected = wanted_x_adv[right], wanted_label[right], wanted_step[right]
    assert_same_attack(ours, x[right], result.x_adv[right], result.step[right], 0.03, expected)


@both_networks
@pytest.mark.parametrize("eps", [0.003, 0.03, 0.1])
@pytest.mark.parametrize("random_start", [True, False])
def test_spsa_agrees(network: str, eps: float, random_start: bool) -> None:
    """The same directions for every beat, as ours draws them; the protocol's count on the MLP, fewer on the CNN."""
    directions, steps = {"mlp": (1024, 8), "cnn": (24, 5)}[network]
    ours, plain = twins(network)
    x, y = batch_for(ours, {"mlp": 8, "cnn": 4}[network], 0)
    uniform = uniform_like(x)
    attack = SPSA(steps=steps, samples=2 * directions, random_start=random_start)
    result = attack(ours, x, y, eps, randomness=GivenChance(uniform, drawn_signs))
    expected = reference.spsa_eval(
        plain,
        x,
        y,
        eps,
        lambda _, step: drawn_signs(directions, x.shape[1], step),
        start=eps * uniform if random_start else None,
        iterations=steps,
    )
    assert_same_attack(ours, x, result.x_adv, result.step, eps, expected)
