"""The masking check: networks that are known to mask light it, others do not, and counts are counted by hand."""

import json
import math
from copy import deepcopy
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import toys
from torch import nn

from nsr_core.attacks import PGD, BeatRandomness, Box
from nsr_core.attacks.objectives import cross_entropy, margin
from nsr_core.errors import UserError
from nsr_core.evaluation.rows import read_correctly
from nsr_core.progress import no_progress
from nsr_core.verdict.masking import (
    LIGHTS,
    MASKING_FILE,
    SIGNS,
    Sign,
    check_masking,
    check_network,
    draw_beats,
    load_masking,
    save_masking,
)
from nsr_core.verdict.masking.check import conclusion
from nsr_core.verdict.masking.evidence import Evidence
from nsr_core.verdict.masking.gradients import gradient, gradients
from nsr_core.verdict.masking.sign import light_of_beats, worst
from nsr_core.verdict.masking.trail import Trail, trail
from nsr_core.verdict.masking.variants import PUBLISHED, VARIANTS, Rescaled, rescaled

COUNT = 40


class Around(nn.Module):
    """A network with something before it."""

    name = "mlp"

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.eval()


class Quantised(Around):
    """Reads the beat in steps of 0.02: a gradient of 0 everywhere, and no robustness gained."""

    def forward(self, x):
        return self.network((x * 50).round() / 50)


class NoNumber(Around):
    """The same logits, and a gradient that is not a number."""

    def forward(self, x):
        return self.network(x) + (x * 0).sqrt().sum(1, keepdim=True)


class Sawtooth(nn.Module):
    """Class 0 against 1 by the first sample alone: the margin rises by 1 for each unit and falls by 0.06 at 0.56.

    It is positive, and the beat misread, between 0.55 and 0.56 only: half a step of PGD.
    """

    name = "mlp"

    def __init__(self) -> None:
        super().__init__()
        self.eval()

    def forward(self, x):
        at = x[:, :1]
        own = 0.55 - at + 0.06 * (at >= 0.56)
        return torch.cat((10 * own, 0 * at, (0 * at - 100).expand(-1, 3)), 1)


@pytest.fixture
def some(trained, demo_beats, demo_split):
    """Forty test beats that the trained network reads correctly."""
    return draw_beats(trained.network, demo_beats, demo_split.test, COUNT // 5)


@pytest.fixture(scope="module")
def plain(trained, demo_beats, demo_split):
    """The check on the trained network."""
    return check_masking(trained, demo_beats, demo_split, per_class=6, eps=(0.05, 0.02))


def light_of(name, check):
    return check.sign(name).light


# Networks


def test_a_plainly_trained_network_lights_nothing_red(plain):
    assert plain.light in ("green", "amber"), plain.reasons
    assert [sign.name for sign in plain.signs] == list(SIGNS)
    assert plain.sign("vanishing").numbers["useless"] == 0
    assert plain.sign("large-noise").light == "green"
    assert plain.sign("out-of-order").light == "green"


def test_saturated_logits_are_seen_in_the_gradient_and_by_what_rescales(trained, demo_beats, some):
    """Logits times 10,000: the softmax rounds to 0 and 1, and the cross-entropy has no gradient left."""
    saturated = deepcopy(trained.network)
    with torch.no_grad():
        saturated.layers[-1].weight.mul_(1e4)
        saturated.layers[-1].bias.mul_(1e4)
    seen, before = (Evidence(network, demo_beats, some, (0.03,)) for network in (saturated, trained.network))
    result = {name: SIGNS[name].judge(seen) for name in ("vanishing", "rescaling", "other-loss")}
    assert {name: judged.light for name, judged in result.items()} == dict.fromkeys(result, "red")
    assert result["vanishing"].numbers["useless"] > 0.8
    # It is the same network to a loss without a softmax.
    assert seen.broken("margin", 0.03).sum() == pytest.approx(before.broken("margin", 0.03).sum(), abs=1)
    assert seen.broken("cross-entropy", 0.03).sum() < before.broken("cross-entropy", 0.03).sum() / 2


def test_a_quantised_input_leaves_no_gradient_and_falls_to_attacks_without(trained, demo_beats, some):
    network = Quantised(trained.network)
    check = check_network(network, demo_beats, some[::2], (0.05,))
    vanishing = check.sign("vanishing")
    assert (vanishing.light, vanishing.numbers["zero"]) == ("red", 1.0)
    assert vanishing.numbers["samples without gradient"] == 1.0
    assert light_of("black-box", check) == "red"
    assert light_of("large-noise", check) == "red"
    assert light_of("rescaling", check) == "green"  # nothing times 10 is nothing
    assert (check.light, "far too high" in check.verdict) == ("red", True)


def test_a_gradient_that_is_no_number_breaks_no_beat(trained, demo_beats, some):
    seen = Evidence(NoNumber(trained.network), demo_beats, some[::4], (0.05,))
    assert not seen.broken(PUBLISHED, 0.05).any()
    assert not seen.trail(0.05).broken[-1].any()
    result = {name: SIGNS[name].judge(seen) for name in ("vanishing", "black-box", "still-rising")}
    assert result["vanishing"].numbers["not finite"] == 1.0
    assert result["vanishing"].light == result["black-box"].light == "red"
    assert all(math.isfinite(value) for judged in result.values() for value in judged.numbers.values())


def test_on_a_linear_network_all_is_green_and_counts_are_exact(beats_of):
    """A beat of class 0 falls if the margin that the box allows is positive: by hand, and by every gradient attack."""
    generator = torch.Generator().manual_seed(3)
    x = 0.3 + 0.4 * torch.rand(COUNT, toys.WIDTH, generator=generator)
    direction = torch.randn(toys.WIDTH, generator=generator) / 10
    network = toys.two_class(direction, float((x @ direction).median()))
    y = toys.predicted(network, x)
    levels = (0.002, 0.01)
    check = check_network(network, beats_of(x.numpy(), y.numpy()), np.arange(COUNT), levels)
    assert {sign.name: sign.light for sign in check.signs} == dict.fromkeys(SIGNS, "green")
    assert "can be trusted as an upper bound" in check.verdict
    gap = (x @ direction - float((x @ direction).median())).abs()
    for eps in levels:
        standing = float((gap >= eps * direction.abs().sum()).double().mean())
        assert check.sign("together").numbers[f"left by 100-PGD at {eps:g}"] == pytest.approx(standing)
        assert check.sign("together").numbers[f"left by all at {eps:g}"] == pytest.approx(standing)
    assert 0 < check.sign("together").numbers["left by all at 0.01"] < 1


def test_a_narrow_band_of_wrong_answers_is_passed_over(beats_of):
    """Most runs of sign steps that begin below the band end above it, whether or not a step fell into it."""
    beats = beats_of(np.full((COUNT, toys.WIDTH), 0.5, np.float32), np.zeros(COUNT))
    seen = Evidence(Sawtooth(), beats, np.arange(COUNT), (0.1,))
    start = Box.around(seen.x, 0.1).random_point(seen.x, BeatRandomness(0, np.arange(COUNT)).uniform(toys.WIDTH))[:, 0]
    way = seen.trail(0.1)
    assert not way.lost_again[start.numpy() >= 0.56].any()
    assert way.broken.any(0)[start.numpy() < 0.54].mean() > 0.5
    assert not way.broken[-1].any()  # all end at 0.6, where they are read correctly
    result = SIGNS["lost-again"].judge(seen)
    assert result.light == "red"
    assert result.numbers["share at 0.1"] == way.broken.any(0).mean()


# The trail


def test_the_trail_is_the_published_run_up_to_its_first_success(trained, demo_beats, some):
    seen = Evidence(trained.network, demo_beats, some, (0.03,), seed=4)
    way = seen.trail(0.03)
    record = PGD()(
        trained.network, seen.x, seen.y, 0.03, randomness=BeatRandomness(4, some), record=True
    )  # fmt: skip
    assert (way.broken.any(0) == seen.broken(PUBLISHED, 0.03)).all()
    assert len(way.loss) == len(record.trajectory.loss) == 101
    stood = record.step.numpy() < 0
    assert stood.any()
    assert way.loss[:, stood] == pytest.approx(record.trajectory.loss[:, stood].numpy(), rel=1e-3, abs=1e-6)


def test_what_is_lost_again_and_what_still_rises_by_hand():
    """Of 11 points the last is the last tenth."""
    loss = np.tile([1.0, 2.0, 0.0, 0.0, 4.0], (11, 1))
    loss[-1] = [1.1, 1.0, 0.0, 0.5, 9.0]
    broken = np.zeros((11, 5), bool)
    broken[5, 4] = True
    way = Trail(broken, loss)
    assert way.lost_again.tolist() == [False, False, False, False, True]
    assert way.rise == pytest.approx([0.1, 0.0, 0.0, 1.0])  # the fifth was broken; from 0 to 0.5 is at most 1
    broken[-1, 4] = True
    assert not Trail(broken, loss).lost_again.any()


@pytest.mark.parametrize(("growth", "light"), [(1.04, "green"), (1.06, "amber"), (1.25, "red")])
def test_a_loss_that_still_rises_lights_by_its_rate(growth, light):
    loss = np.ones((101, 10))
    loss[-1] = growth
    seen = SimpleNamespace(levels=(0.1,), trail=lambda eps: Trail(np.zeros((101, 10), bool), loss))
    result = SIGNS["still-rising"].judge(seen)
    assert result.light == light
    assert f"{100 * growth - 100:.0f} %" in result.sentence
    few = SimpleNamespace(levels=(0.1,), trail=lambda eps: Trail(np.zeros((101, 2), bool), loss[:, :2]))
    assert SIGNS["still-rising"].judge(few).light == "green"


def test_a_trail_can_be_stopped(trained, demo_beats, some):
    seen = Evidence(trained.network, demo_beats, some[:5], (0.03,))

    def stop(done, total, what):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trail(trained.network, seen.x, seen.y, 0.03, BeatRandomness(0, some[:5]), stop)


# Counting, on given masks


class Told(Evidence):
    """Evidence that was made up: which of 100 beats each run breaks at the one level; nothing else does anything."""

    def __init__(self, **broken: range) -> None:
        self.levels, self.progress, self.flat_line = (0.1,), no_progress, 0
        self.y = torch.arange(100) % 2
        self._rows, self._masks, self._beyond = np.arange(100), {}, {}
        self._result = {name.replace("_", " "): marked for name, marked in broken.items()}

    def _attack(self, run, eps, places):
        return np.isin(places, list(self._result.get(run, range(0))))


@pytest.mark.parametrize(
    ("sign", "result", "count", "light"),
    [
        ("black-box", {"published": range(50), "square": range(40, 54)}, 4, "green"),
        ("black-box", {"published": range(50), "square": range(40, 53), "spsa": range(52, 55)}, 5, "amber"),
        ("black-box", {"published": range(50), "square": range(40, 65)}, 15, "red"),
        ("targeted", {"apgd-t": range(20), "apgd": range(80, 90)}, 10, "amber"),
        ("targeted", {"apgd-t": range(10), "apgd": range(10, 20)}, 0, "green"),
        ("other-loss", {"margin": range(30), "cross-entropy": range(10)}, 20, "red"),
        ("other-loss", {"margin": range(10), "cross-entropy": range(40)}, -30, "green"),
        ("harder", {"published": range(10), "1000 steps": range(13), "start 2": range(12, 20)}, 10, "amber"),
        ("rescaling", {"published": range(10), "logits / 10": range(30), "logits x 10": range(5)}, 20, "red"),
        ("out-of-order", {"published": range(10), "fgsm": range(17)}, 7, "amber"),
        ("out-of-order", {"published": range(10), "fgsm": range(10)}, 0, "green"),
        ("out-of-order", {"published": range(30), "noise": range(20)}, 20, "red"),
        ("together", {"published": range(10), "apgd-t": range(8, 14), "noise": range(90, 94)}, 8, "amber"),
    ],
)
def test_beats_are_counted_and_lights_change_where_they_should(sign, result, count, light):
    judged = SIGNS[sign].judge(Told(**result))
    assert judged.light == light
    shares = [value for name, value in judged.numbers.items() if name.endswith("0.1") or name == "most"]
    assert count / 100 in shares
    if sign == "together":
        assert "left 90 % of" in judged.sentence
        assert "together 82 %" in judged.sentence
    elif count:
        assert f"{abs(count)} of 100 beats ({abs(count)} %)" in judged.sentence
        assert ("fewer" in judged.sentence) == (count < 0)
    else:
        assert "no more (0 %)" in judged.sentence


def test_where_nothing_can_stand_only_what_is_known_to_be_breakable_counts():
    """The flat line is class 0: at 0.5 beats of class 1 can be turned into it, at 1 all into a beat of the other class."""
    judged = SIGNS["large-noise"].judge(Told(published=range(90)))
    assert judged.numbers == {"share at 0.5": 0.05, "share at 1": 0.1, "left at 0.5": 0.1, "left at 1": 0.1}
    assert judged.light == "amber"
    one_class = Told(published=range(90))
    one_class.y = torch.zeros(100, dtype=torch.int64)
    assert SIGNS["large-noise"].judge(one_class).numbers["share at 1"] == 0


def test_an_attack_is_carried_out_once_and_black_box_ones_on_what_is_left(monkeypatch):
    seen, calls = Told(published=range(60)), []
    attack = seen._attack
    monkeypatch.setattr(seen, "_attack", lambda *got: calls.append((got[0], len(got[2]))) or attack(*got))
    for _ in range(2):
        for name in ("black-box", "other-loss", "together"):
            SIGNS[name].judge(seen)
    assert len(calls) == len(set(calls))
    counts = dict(calls)
    assert counts["square"] == counts["spsa"] == counts["1000 steps"] == 40
    assert counts[PUBLISHED] == counts["margin"] == 100
    assert len(counts) == len(VARIANTS)


def test_lights():
    assert [light_of_beats(count, 100) for count in (0, 4, 5, 14, 15, 100)] == [
        *("green", "green", "amber", "amber", "red", "red")
    ]
    assert [light_of_beats(count, 5) for count in (2, 3, 4, 5)] == ["green", "amber", "amber", "red"]
    assert worst(["green", "red", "amber"]) == "red"
    assert worst([]) == "green"
    assert LIGHTS == ("green", "amber", "red")


@pytest.mark.parametrize(
    ("measured", "other", "said"),
    [
        ("green", "green", "The published number can be trusted as an upper bound: at noise"),
        ("green", "red", "though not all is well (Other): at noise"),
        ("amber", "red", "The published number is too high: at noise"),
        ("red", "green", "The published number is far too high: at noise"),
    ],
)
def test_the_verdict_follows_what_was_measured(measured, other, said):
    signs = [Sign("other", "Other", other, {}, "", ""), Sign("together", "All", measured, {}, "At noise 0.1, x.", "")]
    assert said in conclusion(signs)


# Parts


def test_equal_cost_is_equal():
    """The two losses are climbed in the same steps of the same size from the same start."""
    for eps in (0.03, 0.2):
        ours, other = VARIANTS["margin"].attack(eps), VARIANTS["cross-entropy"].attack(eps)
        assert other.move == "sign"
        assert other.steps == ours.steps
        assert other.step_size * other.steps == pytest.approx(ours.reach * eps)
        assert other.random_start
        assert ours.random_start
        assert VARIANTS["apgd"].attack(eps).steps == VARIANTS["apgd-t"].attack(eps).steps
    assert VARIANTS[PUBLISHED].attack(0.1) == PGD()


def test_rescaled_logits_have_the_gradient_that_autograd_gives_them():
    network, (x, _) = toys.fresh("mlp"), toys.random_beats(6)
    y = toys.predicted(network, x)
    scaled = rescaled(network, 7.0, torch.ones(6))
    leaf = x.clone().requires_grad_()
    cross_entropy(7 * network(leaf), y).sum().backward()
    assert torch.allclose(gradient(scaled, x, y, cross_entropy), leaf.grad, rtol=1e-4, atol=1e-7)
    assert torch.equal(scaled(x), 7 * network(x))
    assert rescaled(network, 1.0, torch.ones(6)) is network
    normal = rescaled(network, None, torch.tensor([1.0, 4.0, 9.0]))
    assert isinstance(normal, Rescaled)
    assert torch.allclose(normal(x), network(x) / 4)


def test_a_gradient_of_one_logit_lost_to_rounding_counts_as_turned():
    """Softmax of (30, 0, ...) is 1 in single precision: what is left of the slope points along the other logits alone."""
    weight = torch.zeros(toys.CLASSES, toys.WIDTH)
    weight[0] = torch.where(torch.arange(toys.WIDTH) < 100, 1.0, 0.0)
    weight[1] = 0.5
    network = toys.Linear(weight, torch.tensor([30.0, 0, -100, -100, -100]))
    x, y = torch.full((3, toys.WIDTH), 0.1), torch.zeros(3, dtype=torch.int64)
    found = gradients(network, x, y)
    assert found.turned.all()
    assert found.useless.all()
    assert not found.zero.any()
    assert 0 < found.relative_size < 1e-6
    sound_one = gradients(toys.two_class(torch.ones(toys.WIDTH), 20.0), x, y)
    assert not sound_one.useless.any()
    assert -margin(network(x), y)[0].item() > 17  # float32 ends there


# The check


def test_the_same_seed_gives_the_same_check_and_another_draws_other_beats(trained, demo_beats, demo_split, plain):
    assert check_masking(trained, demo_beats, demo_split, per_class=6, eps=(0.02, 0.05)) == plain
    rows = [draw_beats(trained.network, demo_beats, demo_split.test, 12, seed) for seed in (0, 0, 1)]
    assert rows[0].tolist() == rows[1].tolist() != rows[2].tolist()


def test_drawn_beats_are_test_beats_that_are_read_correctly(trained, demo_beats, demo_split):
    rows = draw_beats(trained.network, demo_beats, demo_split.test, 7)
    assert np.isin(rows, demo_split.test).all()
    assert read_correctly(trained.network, demo_beats, rows).all()
    assert np.bincount(demo_beats.y[rows]).tolist() == [7] * 5
    assert (np.diff(rows) > 0).all()


def test_it_says_what_it_stands_on(plain, trained, demo_split):
    assert (plain.checkpoint, plain.weights, plain.seed) == (trained.name, trained.digest, 0)
    assert plain.eps == (0.02, 0.05)
    assert plain.beats == dict.fromkeys("NSVFQ", 6)
    assert demo_split.fingerprint in plain.beats_from
    assert "no proof of robustness" in plain.caveat
    assert "as published" in plain.caveat
    result = json.loads(json.dumps(plain.to_json(), allow_nan=False))
    assert result == plain.to_json()
    assert [Sign(**sign) for sign in result["signs"]] == list(plain.signs)


def test_every_number_is_finite_and_every_sentence_has_one(plain):
    for sign in plain.signs:
        assert sign.light in LIGHTS
        assert all(type(value) is float and math.isfinite(value) for value in sign.numbers.values())
        assert sign.sentence.endswith(".")
        assert sign.reason
        if sign.name in ("probabilities", "optimises"):  # yes or no, of the whole network
            continue
        assert " %" in sign.sentence
        said = {
            round(float(word.strip("(")), 0) for word in sign.sentence.split(" %")[:-1] for word in word.split()[-1:]
        }
        assert said & {abs(round(100 * value, 0)) for value in sign.numbers.values()}


def test_reasons_are_the_lit_signs_red_first(trained, demo_beats, some):
    check = check_network(Quantised(trained.network), demo_beats, some[::4], (0.05,))
    lit = [sign.sentence for light in ("red", "amber") for sign in check.signs if sign.light == light]
    assert list(check.reasons) == lit
    assert lit


def test_a_network_that_reads_nothing_right_is_refused(trained, demo_beats, demo_split, beats_of):
    x = demo_beats.x[demo_split.test[:10]]
    wrong = (toys.predicted(trained.network, torch.from_numpy(x)).numpy() + 1) % toys.CLASSES
    beats = beats_of(x, wrong)
    with pytest.raises(UserError, match="mlp-mseMargin reads none of the demo beats correctly"):
        check_masking(trained, beats, None)
    with pytest.raises(UserError, match="reads none"):
        check_network(trained.network, beats, np.arange(0))
    with pytest.raises(UserError, match="at least one"):
        check_network(trained.network, demo_beats, demo_split.test, ())


def test_it_tells_of_its_progress_and_can_be_stopped(trained, demo_beats, some):
    result = []
    check_network(trained.network, demo_beats, some[::8], (0.01,), progress=lambda *got: result.append(got))
    assert [done for done, _, _ in result] == sorted(done for done, _, _ in result)
    assert {total for _, total, _ in result} == {len(SIGNS)}
    assert result[-1][0] == len(SIGNS)
    assert any("spsa at 0.01" in what for _, _, what in result)

    def stop(done, total, what):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check_network(trained.network, demo_beats, some[::8], (0.05,), progress=stop)


# Beside the weights


def test_a_check_is_kept_and_read_again_as_it_was(plain, tmp_path):
    assert load_masking(tmp_path) is None
    save_masking(plain, tmp_path)
    assert load_masking(tmp_path) == plain
    (tmp_path / MASKING_FILE).rename(tmp_path / "alarm.json")  # as earlier versions called it
    assert load_masking(tmp_path) == plain
    save_masking(plain, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [MASKING_FILE]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"signs": [{"light": "green"}]}'])
def test_a_damaged_file_is_named(content, tmp_path):
    (tmp_path / MASKING_FILE).write_text(content)
    with pytest.raises(UserError, match=r"check\.json cannot be read"):
        load_masking(tmp_path)
