"""The way of an attack on one beat, its gradient and its progress, as ``attack_beat`` tells them."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
import toys

from nsr_core.attacks import ATTACKS, FGSM, PGD, RandomNoise
from nsr_core.beat.attack import attack_beat
from nsr_core.evaluation.robustness import predict
from nsr_core.training.checkpoint import Checkpoint
from nsr_core.training.config import paper_config

pytestmark = pytest.mark.slow

EPS = 0.05

every_attack = pytest.mark.parametrize("name", ATTACKS)
every_network = pytest.mark.parametrize("network", ["mlp", "cnn"])


def as_checkpoint(network):
    return Checkpoint(Path("toy"), network, paper_config(network.name, "ce"), {}, "0" * 12)


@pytest.fixture
def attack(name):
    return longer(name)


def longer(name):
    """With 12 steps or draws: enough for some of the beats."""
    attack = ATTACKS[name]
    wanted = {"steps": 12, "samples": 64, "draws": 12}
    return replace(attack, **{setting: value for setting, value in wanted.items() if hasattr(attack, setting)})


@pytest.fixture(scope="module")
def right(trained, demo_beats):
    """12 demo beats of all classes that the trained network reads correctly."""
    rows = np.flatnonzero(predict(trained.network, demo_beats.x) == demo_beats.y)
    return np.random.default_rng(5).permutation(rows)[:12].tolist()


@pytest.fixture(scope="module")
def attacked(trained, demo_beats, right):
    """``attacked(name)``: that attack on each of them, at a level where gradients break some and one where chance does."""
    return cache(
        lambda name: [attack_beat(trained, longer(name), demo_beats, row, eps) for row in right for eps in (EPS, 0.3)]
    )


@pytest.fixture
def result(attacked, name):
    return attacked(name)


@every_attack
def test_the_path_has_a_point_for_each_step_until_the_first_success(result, attack):
    """All of them, the start included, where there was none."""
    steps = {one.step for one in result}
    assert {-1} < steps, steps
    most = getattr(attack, "steps", {"fgsm": 1, "noise": 11}.get(attack.name))
    for one in result:
        points = one.step + 1 if one.step >= 0 else most + 1
        assert one.path.x_adv.shape == (points, 187)
        assert one.path.probabilities.shape == (points, 5)
        assert one.path.loss.shape == (points,)


@every_attack
def test_every_point_of_the_path_is_inside_the_budget(result):
    for one in result:
        assert np.abs(one.path.x_adv.astype(np.float64) - one.x).max() <= one.eps
        assert one.path.x_adv.min() >= 0
        assert one.path.x_adv.max() <= 1


@every_attack
def test_the_path_ends_where_the_attack_ends(result):
    for one in result:
        assert np.array_equal(one.path.x_adv[-1], one.x_adv)
        np.testing.assert_allclose(one.path.probabilities[-1], one.after, rtol=1e-4, atol=1e-6)


@every_attack
def test_before_its_last_point_the_beat_is_read_correctly_and_there_wrongly_if_it_succeeded(result):
    for one in result:
        read = np.array(list("NSVFQ"))[one.path.probabilities.argmax(1)]
        assert (read[:-1] == one.true_class).all()
        assert (read[-1] != one.true_class) == (one.step >= 0) == one.flipped


@every_attack
def test_the_probabilities_are_the_network_s_at_the_points(trained, result):
    for one in result:
        with torch.no_grad():
            expected = trained.network(torch.from_numpy(one.path.x_adv)).softmax(1)
        np.testing.assert_allclose(one.path.probabilities, expected, rtol=1e-4, atol=1e-6)


@every_attack
def test_the_loss_is_what_the_attack_climbs(result, attack):
    """Worked out from the probabilities: cross-entropy, or the margin of the largest other logit over the true one's."""
    for one in result:
        label = "NSVFQ".index(one.true_class)
        p = one.path.probabilities.astype(np.float64)
        of_truth, of_others = p[:, label], np.delete(p, label, axis=1).max(1)
        climbed = -np.log(of_truth) if attack.name in ("pgd", "fgsm", "apgd") else np.log(of_others / of_truth)
        np.testing.assert_allclose(one.path.loss, climbed, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("start", [PGD(steps=3, random_start=False), FGSM()], ids=["pgd", "fgsm"])
def test_without_a_random_start_the_path_starts_at_the_beat(trained, demo_beats, right, start):
    one = attack_beat(trained, start, demo_beats, right[0], EPS)
    assert np.array_equal(one.path.x_adv[0], one.x)
    np.testing.assert_allclose(one.path.probabilities[0], one.before, rtol=1e-4, atol=1e-6)


def test_a_random_start_is_that_of_the_beat_s_row_and_the_seed(trained, demo_beats, right):
    """Another seed and another beat start elsewhere; the same start again."""
    row, other = right[:2]
    starts = [
        one.path.x_adv[0] - one.x
        for one in (
            attack_beat(trained, PGD(steps=1), demo_beats, at, EPS, seed=seed)
            for at, seed in [(row, 0), (row, 0), (row, 1), (other, 0)]
        )
    ]
    assert np.array_equal(starts[0], starts[1])
    inner = slice(1, 60)  # signal, most of it further from 0 and 1 than the budget reaches
    assert np.abs(starts[0] - starts[2])[inner].mean() > EPS / 4
    assert np.abs(starts[0] - starts[3])[inner].mean() > EPS / 4


def test_the_path_of_an_attack_on_the_signal_leaves_the_padding(trained, demo_beats, right):
    for row in right[:4]:
        one = attack_beat(trained, PGD(steps=5), demo_beats, row, EPS, signal_only=True)
        assert (one.path.x_adv[:, one.length :] == one.x[one.length :]).all()
        assert (one.path.x_adv[:, : one.length] != one.x[: one.length]).any()


def test_a_beat_that_is_misread_has_a_path_of_one_point(trained, demo_beats):
    row = int(np.flatnonzero(predict(trained.network, demo_beats.x) != demo_beats.y)[0])
    one = attack_beat(trained, PGD(random_start=False), demo_beats, row, EPS)
    assert one.step == 0
    assert len(one.path.loss) == 1
    assert not one.flipped


# The gradient


@every_network
def test_w_is_the_gradient_of_the_true_class_s_logit(demo_beats, network):
    """By autograd on the network as it stands, in float64 so that nothing hides behind rounding."""
    model = toys.fresh(network, dtype=torch.float64)
    x, _ = toys.random_beats(3, dtype=torch.float64)
    beats = replace(demo_beats[np.arange(3)], x=x.numpy())
    for row in range(3):
        result = attack_beat(as_checkpoint(model), RandomNoise(), beats, row, EPS)
        at = x[row : row + 1].clone().requires_grad_()
        logit = model(at)[0, int(beats.y[row])]
        (expected,) = torch.autograd.grad(logit, at)
        assert result.w.shape == (187,)
        np.testing.assert_allclose(result.w, expected[0], rtol=0, atol=1e-12)
        assert np.abs(result.w).max() > 1e-3
        assert result.w_l1 == pytest.approx(np.abs(result.w).sum())
        assert result.z == pytest.approx(float(logit.detach()))
        assert result.bound == pytest.approx(result.w_l1 * EPS / abs(result.z))
        assert result.reached_on_line == pytest.approx(abs(result.w @ (result.x_adv - result.x)) / abs(result.z))


def test_on_a_straight_line_the_noise_reaches_what_w_says(beats_of):
    """z = w x + b throughout: what the line promises is what came, and no more than the bound."""
    network, x = toys.random_linear(), np.full((1, 187), 0.5)
    label = int(toys.predicted(network, torch.from_numpy(x))[0])
    result = attack_beat(as_checkpoint(network), FGSM(), beats_of(x, [label]), 0, EPS)
    np.testing.assert_allclose(result.w, network.weight[label].detach())
    assert result.reached == pytest.approx(result.reached_on_line)
    assert 0 < result.reached <= result.bound


# Progress


@every_attack
def test_every_step_is_told_and_listening_changes_nothing(trained, demo_beats, right, attack):
    """One report for each point of the path, from step 0 on."""
    for row in right[:4]:
        heard = []
        listened = attack_beat(
            trained, attack, demo_beats, row, EPS, progress=lambda *report, heard=heard: heard.append(report)
        )
        silent = attack_beat(trained, attack, demo_beats, row, EPS)
        assert [done for done, _, _ in heard] == list(range(len(listened.path.loss)))
        assert all(done <= total for done, total, _ in heard)
        assert np.array_equal(listened.x_adv, silent.x_adv)
        assert np.array_equal(listened.path.x_adv, silent.path.x_adv)
        assert (listened.step, listened.queries) == (silent.step, silent.queries)


class Stop(Exception):
    pass


@every_attack
def test_raising_from_progress_ends_the_attack_on_the_beat(trained, demo_beats, right, attack):
    heard = []

    def stop(done, total, what):
        heard.append(done)
        raise Stop

    with pytest.raises(Stop):
        attack_beat(trained, attack, demo_beats, right[0], EPS, progress=stop)
    assert heard == [0]
