"""What is particular to PGD and SPSA: fewer steps are contained in more, and what a step costs."""

import numpy as np
import pytest
import torch
import toys

from nsr_core.attacks import ATTACKS, PGD, SPSA, BeatRandomness
from nsr_core.attacks.objectives import margin
from nsr_core.attacks.spsa import CHUNK, estimate_gradient
from nsr_core.errors import UserError


@pytest.fixture(scope="module")
def right_beats(trained, demo_beats, demo_split):
    """48 test beats that the trained network gets right."""
    x, y = torch.from_numpy(demo_beats.x[demo_split.test]), torch.from_numpy(demo_beats.y[demo_split.test])
    right = toys.predicted(trained.network, x) == y
    return x[right][:48], y[right][:48]


@pytest.mark.parametrize("move", ["adamax", "sign"])
@pytest.mark.parametrize("random_start", [True, False])
def test_20_steps_can_be_read_from_a_run_of_100(trained, right_beats, move, random_start):
    """A beat broken within 20 moves ends alike in both, at the same step; one broken later, or never, is not broken."""
    x, y = right_beats
    attacks = (PGD(steps=steps, move=move, random_start=random_start) for steps in (20, 100))
    few, many = (attack(trained.network, x, y, 0.03, record=True) for attack in attacks)
    within = (many.step >= 0) & (many.step <= 20)
    assert 0 < int(within.sum()) < len(y)
    assert torch.equal(few.step, torch.where(within, many.step, -1))
    assert torch.equal(few.x_adv[within], many.x_adv[within])
    assert torch.equal(few.queries[within], many.queries[within])
    assert torch.equal(few.x_adv, many.trajectory.x_adv[20])


def test_more_steps_break_more_and_never_fewer(trained, right_beats):
    x, y = right_beats
    few, many = (PGD(steps=steps)(trained.network, x, y, 0.03).step >= 0 for steps in (5, 60))
    assert int(few.sum()) < int(many.sum())
    assert not (few & ~many).any()


def test_the_paper_settings_are_the_defaults():
    assert (ATTACKS["pgd"].steps, ATTACKS["pgd"].step_size, ATTACKS["pgd"].move) == (100, 0.01, "adamax")
    assert ATTACKS["pgd"].random_start
    assert ATTACKS["pgd-sign"].move == "sign"
    assert (ATTACKS["spsa"].steps, ATTACKS["spsa"].samples) == (100, 2048)
    assert (ATTACKS["spsa"].delta, ATTACKS["spsa"].step_size) == (0.01, 0.01)


def test_the_step_size_limits_how_far_the_noise_travels(trained, right_beats):
    x, y = right_beats
    result = PGD(steps=3, step_size=0.004, random_start=False, move="sign")(trained.network, x, y, 0.3)
    assert float((result.x_adv - x).abs().max()) <= 3 * 0.004 + 1e-6


@pytest.mark.parametrize("batch", [1, 3, 8])
def test_spsa_with_the_papers_2048_samples_costs_2048_a_step_and_one_a_look(batch):
    model = toys.two_class(torch.full((187,), 0.01), offset=50.0)
    x = torch.full((batch, 187), 0.5)
    result = SPSA(steps=2)(model, x, torch.zeros(batch, dtype=torch.int64), 0.1)
    assert result.queries.tolist() == [2 * 2048 + 3] * batch


def test_spsa_spends_nothing_on_a_beat_that_is_wrong_already(trained, right_beats):
    x, y = right_beats
    result = SPSA(steps=2, samples=64, random_start=False)(trained.network, x[:3], (y[:3] + 1) % 5, 0.1)
    assert result.step.tolist() == [0, 0, 0]
    assert result.queries.tolist() == [1, 1, 1]


def test_an_odd_number_of_samples_is_refused():
    x, _ = toys.random_beats(1)
    with pytest.raises(UserError, match="samples is 3; it must be even"):
        SPSA(samples=3)(toys.fresh("mlp"), x, torch.zeros(1, dtype=torch.int64), 0.1)


@pytest.mark.parametrize(("network", "directions"), [("mlp", 16), ("mlp", CHUNK + 8), ("cnn", 16)])
def test_the_estimate_is_the_sum_that_its_docstring_states(network, directions):
    model = toys.fresh(network, dtype=torch.float64)
    x, _ = toys.random_beats(2, dtype=torch.float64)
    y = toys.predicted(model, x)
    signs = BeatRandomness(0, np.arange(2)).signs(directions, 187).double()
    with torch.no_grad():
        estimate = estimate_gradient(model, x, y, signs, 0.01)
        for beat in range(2):
            label = y[beat].expand(directions)
            rise = margin(model(x[beat] + 0.01 * signs), label) - margin(model(x[beat] - 0.01 * signs), label)
            expected = (signs * rise[:, None]).mean(0) / 0.02
            torch.testing.assert_close(estimate[beat], expected, rtol=1e-8, atol=1e-10)


def test_the_estimate_is_unbiased_on_a_linear_network():
    """The mean of s (s.d) over the signs s is d; over all 2^3 signs of three samples exactly, the rest held at 0."""
    d = torch.zeros(187, dtype=torch.float64)
    d[:3] = torch.tensor([1.0, -2.0, 0.5])
    signs = torch.zeros(8, 187, dtype=torch.float64)
    signs[:, :3] = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0], dtype=torch.float64)] * 3)
    x = torch.full((1, 187), 0.5, dtype=torch.float64)
    with torch.no_grad():
        estimate = estimate_gradient(toys.two_class(d, 9.0), x, torch.zeros(1, dtype=torch.int64), signs, 0.01)
    torch.testing.assert_close(estimate[0], d)


def test_the_points_that_spsa_tries_leave_the_padding_alone():
    """No evaluation is spent on samples that no beat of the batch can use."""
    seen = []

    class Watching(toys.Linear):
        def forward(self, x):
            seen.append(x.detach().clone())
            return super().forward(x)

    weight = torch.zeros(5, 187)
    model = Watching(weight, torch.tensor([1.0, 0, 0, 0, 0]))
    x = torch.full((2, 187), 0.5)
    SPSA(steps=1, samples=32)(model, x, torch.zeros(2, dtype=torch.int64), 0.1, length=torch.tensor([50, 80]))
    tried = torch.cat(seen)
    assert (tried[:, 80:] == 0.5).all()
    assert (tried[:, :80] != 0.5).any()
