"""Transfer between networks and one noise for all beats: known answers on linear networks."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import toys
from torch.nn.functional import one_hot

from nsr_core.attacks import PGD, BeatRandomness, Box
from nsr_core.cli import main
from nsr_core.errors import UserError
from nsr_core.training.card import list_checkpoints
from nsr_core.training.checkpoint import load_checkpoint
from nsr_core.verdict import transfer
from nsr_core.verdict.transfer import TRANSFER_FILE, comparable, load_transfer, measure_transfer, transferred
from nsr_core.verdict.universal import attack_universally, universal_noise

REPOSITORY = Path(__file__).resolve().parents[2]
EPS = 0.01


def two_linear():
    """Two networks that look at different samples: noise on the first half says nothing to the second."""
    first, second = torch.zeros(187), torch.zeros(187)
    first[:90], second[90:] = 1.0, 1.0
    return {"first": toys.two_class(first, 45.0), "second": toys.two_class(second, 48.5)}


def flat(beats_of, value=0.499, count=20):
    return beats_of(np.full((count, 187), value, np.float32), np.zeros(count, int))


def measure(beats_of, networks=None, keep=None, **settings):
    """The table of two networks that stand for checkpoints."""
    found = networks or two_linear()
    checkpoints = [SimpleNamespace(name=name, network=network, digest=name[:3]) for name, network in found.items()]
    usual = {"attack": PGD(steps=20), "levels": (EPS,)} | settings
    return measure_transfer(checkpoints, flat(beats_of), np.arange(9), np.arange(20), {}, keep=keep, **usual)


def test_noise_breaks_the_network_that_it_was_made_on_and_not_one_that_looks_elsewhere(beats_of):
    """0.01 on 90 samples lifts z_1 by 0.9, and it is 0.09 below z_0."""
    matrix = measure(beats_of).matrix(EPS)
    assert matrix.index.tolist() == matrix.columns.tolist() == ["first", "second"]
    assert matrix.loc["first", "first"] == matrix.loc["second", "second"] == 0.0
    assert min(matrix.loc["first", "second"], matrix.loc["second", "first"]) > 0.0


class Hidden(torch.nn.Module):
    """Decides as a network does and has no gradient."""

    def __init__(self, network):
        super().__init__()
        self.network = network
        self.eval()

    def forward(self, x):
        return one_hot(self.network(x).argmax(1), 5) + 0 * x.sum(1, keepdim=True)


def test_a_network_without_a_gradient_is_broken_by_noise_of_its_twin_only(beats_of):
    twin = two_linear()["first"]
    table = measure(beats_of, {"twin": twin, "hidden": Hidden(twin)})
    (row,) = table.telling(EPS).itertuples()
    assert (row.target, row.source, row.transferred) == ("hidden", "twin", 0.0)
    assert row.own == row.gap > 0.5


def test_all_networks_read_the_beats_with_the_same_noise(trained, demo_beats, demo_split):
    rows = demo_split.test[:20]
    made = transferred(trained.network, {"own": trained.network}, demo_beats, rows, 0.1)
    x, y = (torch.from_numpy(values[rows]) for values in (demo_beats.x, demo_beats.y))
    x_adv = PGD()(trained.network, x, y, 0.1, randomness=BeatRandomness(0, rows)).x_adv
    recall = (trained.network(x_adv).argmax(1) == y).float()
    assert made["own"] == pytest.approx(np.mean([recall[y == label].mean().item() for label in y.unique()]), abs=1e-6)
    with pytest.raises(UserError, match="No beat"):
        transferred(trained.network, {}, demo_beats, rows[:0], 0.1)


def test_what_is_kept_is_not_computed_again(beats_of, tmp_path, monkeypatch):
    keep = tmp_path / TRANSFER_FILE

    def stop(done, total, what):
        if done and "second" in what:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure(beats_of, keep=keep, progress=stop)
    assert list(load_transfer(keep).noises) == ["first"]
    made = []
    monkeypatch.setattr(
        transfer,
        "transferred",
        lambda source, *given, **named: made.append(source) or transferred(source, *given, **named),
    )
    networks = two_linear()
    whole = measure(beats_of, networks, keep)
    assert made == [networks["second"]]
    assert load_transfer(keep) == whole == measure(beats_of)
    with pytest.raises(UserError, match="holds results with another eps"):
        measure(beats_of, keep=keep, levels=(EPS / 2,))
    assert measure(beats_of, keep=keep, levels=(EPS / 2,), replace_results=True).levels == [EPS / 2]


def test_numbers_of_other_weights_are_left_out(beats_of):
    table = measure(beats_of)
    assert table.only({"first": "fir", "second": "sec"}) == table
    left = table.only({"first": "fir", "second": "trained again"})
    assert list(left.noises) == list(left.noises["first"].accuracy[f"{EPS:g}"]) == ["first"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"protocol": {"eps": [0.1]}, "weights": {}, "noises": {"a": {}}}'])
def test_a_file_that_is_no_such_table_says_so(text, tmp_path):
    path = tmp_path / TRANSFER_FILE
    assert load_transfer(path) is None
    path.write_text(text)
    with pytest.raises(UserError, match=r"transfer\.json is not a result of transfer"):
        load_transfer(path)


def test_the_included_table_is_of_the_included_weights():
    """A checkpoint that was trained again needs its row and column again: transfer --keep checkpoints/transfer.json."""
    table = load_transfer(REPOSITORY / "checkpoints" / TRANSFER_FILE)
    included = comparable(map(load_checkpoint, list_checkpoints(REPOSITORY / "checkpoints")))
    assert table.only({one.name: one.digest for one in included}) == table
    assert set(table.noises) == {one.name for one in included}
    assert not any(table.matrix(eps).isna().any(axis=None) for eps in table.levels)


def test_one_noise_breaks_all_beats_of_a_linear_network(beats_of):
    """The best is eps times the sign of the weights for every beat alike."""
    beats = flat(beats_of)
    network = two_linear()["first"]
    noise = universal_noise(network, torch.from_numpy(beats.x), torch.from_numpy(beats.y).long(), EPS)
    assert float(noise.abs().max()) <= EPS
    found = attack_universally(network, beats, np.arange(0, 20, 2), np.arange(1, 20, 2), EPS)
    assert (found.accuracy_before, found.accuracy_after, found.beats) == (1.0, 0.0, 10)


def test_at_any_shift_the_noise_must_do_without_its_place(beats_of):
    """Weights of 1 and -1 in two halves: noise in place lifts by 187 eps, and no noise does so at every shift."""
    weight = torch.ones(187)
    weight[90:] = -1.0
    network = toys.two_class(weight, 0.5 * float(weight.sum()) + 0.2)
    beats = flat(beats_of, 0.5)
    in_place = attack_universally(network, beats, np.arange(0, 20, 2), np.arange(1, 20, 2), EPS)
    anywhere = attack_universally(network, beats, np.arange(0, 20, 2), np.arange(1, 20, 2), EPS, shifts=range(187))
    assert in_place.accuracy_after == 0.0
    assert 0.2 < anywhere.accuracy_after < 1.0
    assert len(anywhere.to_json()["shifts"]) == 187


def test_the_noise_stays_in_the_box(trained, demo_beats, demo_split):
    x, y = (torch.from_numpy(values[demo_split.test[:64]]) for values in (demo_beats.x, demo_beats.y))
    noise = universal_noise(trained.network, x, y, 0.05, shifts=range(0, 187, 20), epochs=3)
    assert float(noise.abs().max()) <= 0.05
    assert float((Box.around(x, 0.05).clip(x + noise) - x).abs().max()) <= 0.05


def test_the_commands_tell_the_same_as_the_core(capsys, tmp_path):
    folders = ["checkpoints/mlp-ce", "checkpoints/mlp-jacob"]
    usual = ["--source", "demo", "--per-class", "4"]
    main(["transfer", *folders, *usual, "--eps", "0.1", "--keep", str(tmp_path / "t.json"), "--json"])
    result = json.loads(capsys.readouterr().out)
    assert result == load_transfer(tmp_path / "t.json").to_json()
    main(["transfer", *folders, *usual, "--eps", "0.1", "--keep", str(tmp_path / "t.json")])
    assert f"{result['noises']['mlp-ce']['accuracy']['0.1']['mlp-jacob']:.2f}" in capsys.readouterr().out
    main(["universal", folders[0], "--eps", "0.1", *usual, "--json"])
    result = json.loads(capsys.readouterr().out)
    assert result["accuracy_after"] <= result["accuracy_before"]
    assert len(result["noise"]) == 187


def test_networks_of_different_test_beats_are_refused(capsys):
    with pytest.raises(SystemExit):
        main(["transfer", "mlp-ce", "mlp-ce-patient"])
    assert "different test beats (mlp-ce by beat, mlp-ce-patient by patient)" in capsys.readouterr().err
