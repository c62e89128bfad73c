"""The masking check: networks that are known to mask light it, others do not."""

import json
import math

import numpy as np
import pytest
import torch
import toys
from maskingtoys import COUNT, NoNumber, Quantised, Sawtooth, light_of

from nsr_core.attacks import BeatRandomness, Box
from nsr_core.errors import UserError
from nsr_core.evaluation.rows import read_correctly
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
from nsr_core.verdict.masking.variants import PUBLISHED

pytestmark = pytest.mark.slow


def test_a_plainly_trained_network_lights_nothing_red(plain):
    assert plain.light in ("green", "amber"), plain.reasons
    assert [sign.name for sign in plain.signs] == list(SIGNS)
    assert plain.sign("vanishing").numbers["useless"] == 0
    assert plain.sign("large-noise").light == "green"
    assert plain.sign("out-of-order").light == "green"


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


def test_the_same_seed_gives_the_same_check_and_another_draws_other_beats(trained, demo_beats, demo_split, plain):
    assert check_masking(trained, demo_beats, demo_split, per_class=6, eps=(0.02, 0.05)) == plain
    rows = [draw_beats(trained.network, demo_beats, demo_split.test, 12, seed) for seed in (0, 0, 1)]
    assert rows[0].tolist() == rows[1].tolist() != rows[2].tolist()


def test_a_check_is_kept_and_read_again_as_it_was(plain, tmp_path):
    assert load_masking(tmp_path) is None
    save_masking(plain, tmp_path)
    assert load_masking(tmp_path) == plain
    (tmp_path / MASKING_FILE).rename(tmp_path / "alarm.json")  # as earlier versions called it
    assert load_masking(tmp_path) == plain
    save_masking(plain, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [MASKING_FILE]


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
