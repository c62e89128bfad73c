"""Transfer between networks and one noise for all beats: known answers on linear networks."""

import json

import numpy as np
import pytest
import torch
import toys

from nsr_core.attacks import Box
from nsr_core.cli import main
from nsr_core.errors import UserError
from nsr_core.verdict.transfer import attack_universally, transfer_matrix, universal_noise

EPS = 0.01


def two_linear():
    """Two networks that look at different samples: noise on the first half says nothing to the second."""
    first, second = torch.zeros(187), torch.zeros(187)
    first[:90], second[90:] = 1.0, 1.0
    return {"first": toys.two_class(first, 45.0), "second": toys.two_class(second, 48.5)}


def flat(beats_of, value=0.499, count=20):
    return beats_of(np.full((count, 187), value, np.float32), np.zeros(count, int))


def test_noise_breaks_the_network_that_it_was_made_on_and_not_one_that_looks_elsewhere(beats_of):
    """0.01 on 90 samples lifts z_1 by 0.9, and it is 0.09 below z_0; PGD leaves what has no gradient where it began."""
    found = transfer_matrix(two_linear(), flat(beats_of), np.arange(20), EPS)
    assert [(one.source, one.target) for one in found] == [
        ("first", "first"),
        ("first", "second"),
        ("second", "first"),
        ("second", "second"),
    ]
    shares = {(one.source, one.target): one.share for one in found}
    assert shares["first", "first"] == shares["second", "second"] == 1.0
    assert max(shares["first", "second"], shares["second", "first"]) < 1.0
    assert all(one.beats == 20 and one.to_json()["share"] == one.share for one in found)


def test_only_beats_that_both_read_correctly_count(beats_of):
    found = transfer_matrix(two_linear(), flat(beats_of, 0.51), np.arange(20), EPS)
    assert all(one.beats == 0 and np.isnan(one.share) and one.to_json()["share"] is None for one in found)
    with pytest.raises(UserError, match="0 networks"):
        transfer_matrix({}, flat(beats_of), np.arange(20), EPS)


def test_one_noise_breaks_all_beats_of_a_linear_network(beats_of):
    """The best is eps times the sign of the weights for every beat alike."""
    beats = flat(beats_of)
    network = two_linear()["first"]
    noise = universal_noise(network, torch.from_numpy(beats.x), torch.from_numpy(beats.y).long(), EPS)
    assert float(noise.abs().max()) <= EPS
    found = attack_universally(network, beats, np.arange(20), EPS)
    assert (found.accuracy_before, found.accuracy_after, found.beats) == (1.0, 0.0, 10)


def test_at_any_shift_the_noise_must_do_without_its_place(beats_of):
    """Weights of 1 and -1 in two halves: noise in place lifts by 187 eps, and no noise does so at every shift."""
    weight = torch.ones(187)
    weight[90:] = -1.0
    network = toys.two_class(weight, 0.5 * float(weight.sum()) + 0.2)
    beats = flat(beats_of, 0.5)
    in_place = attack_universally(network, beats, np.arange(20), EPS)
    anywhere = attack_universally(network, beats, np.arange(20), EPS, shifts=range(187))
    assert in_place.accuracy_after == 0.0
    assert 0.2 < anywhere.accuracy_after < 1.0
    assert len(anywhere.to_json()["shifts"]) == 187


def test_the_noise_stays_in_the_box(trained, demo_beats, demo_split):
    x, y = (torch.from_numpy(values[demo_split.test[:64]]) for values in (demo_beats.x, demo_beats.y))
    noise = universal_noise(trained.network, x, y, 0.05, shifts=range(0, 187, 20), epochs=3)
    assert float(noise.abs().max()) <= 0.05
    assert float((Box.around(x, 0.05).clip(x + noise) - x).abs().max()) <= 0.05


def test_the_commands_tell_the_same_as_the_core(capsys):
    folders = ["checkpoints/mlp-ce", "checkpoints/mlp-jacob"]
    usual = ["--source", "demo", "--per-class", "4", "--json"]
    main(["transfer", *folders, *usual])
    result = json.loads(capsys.readouterr().out)
    assert len(result["pairs"]) == 4
    main(["universal", folders[0], "--eps", "0.1", *usual])
    result = json.loads(capsys.readouterr().out)
    assert result["accuracy_after"] <= result["accuracy_before"]
    assert len(result["noise"]) == 187
