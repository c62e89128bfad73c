"""What any classifier can keep: small sets of beats by hand, all subsets, and a linear program."""

import json
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from nsr_core.certificates.ceiling import (
    CEILING_FILE,
    Conflicts,
    ceiling,
    equal_priors,
    find_conflicts,
    most_kept,
    nearest,
    nearest_kept,
    read_ceiling,
)
from nsr_core.errors import UserError
from tests.conftest import REPOSITORY


def beats_of(demo_beats, x, y, length=None):
    """Beats of a few samples; the rest of the 187 are 0."""
    some = demo_beats[np.arange(len(x))]
    padded = np.zeros((len(x), 187), np.float32)
    padded[:, : len(x[0])] = x
    return replace(
        some, x=padded, y=np.array(y), length=np.full(len(x), len(x[0])) if length is None else np.array(length)
    )


def test_two_beats_meet_halfway(demo_beats):
    """Of classes 0 and 1, 0.4 apart: each moves by 0.2. The third, of class 0, is 0.2 from the second: 0.1."""
    beats = beats_of(demo_beats, [[0.1], [0.5], [0.7]], [0, 1, 0])
    found = find_conflicts(beats, np.arange(3), 1.0)
    assert sorted(zip(found.one.tolist(), found.other.tolist(), strict=True)) == [(0, 1), (2, 1)]
    np.testing.assert_allclose(sorted(found.level), [0.1, 0.2], atol=1e-7)
    # Weights 1/4, 1/2, 1/4: at 0.1 one of the last two goes, by the relaxation 1/4; at 0.2 the second, or both others.
    assert [most_kept(found, eps) for eps in (0.09, 0.11, 0.21)] == pytest.approx([1, 0.75, 0.5])


def test_a_triangle_of_three_classes_is_given_up_by_halves(demo_beats):
    beats = beats_of(demo_beats, [[0.5], [0.5], [0.5]], [0, 1, 2])
    assert most_kept(find_conflicts(beats, np.arange(3), 0.1), 0.1) == pytest.approx(0.5)


def test_with_noise_on_the_signal_only_padding_does_not_come_to_meet(demo_beats):
    """Signals (0.5, 0.3) and (0.5): alike from 0.15 on where all samples move, from 0.3 on where padding stays."""
    beats = beats_of(demo_beats, [[0.5, 0.3], [0.5, 0.0]], [0, 1], [2, 1])
    levels = [float(find_conflicts(beats, np.arange(2), 1.0, signal_only=only).level[0]) for only in (False, True)]
    assert levels == pytest.approx([0.15, 0.3])


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_the_flow_is_the_linear_program_and_above_every_set_that_can_be_kept(data):
    count = data.draw(st.integers(2, 9))
    y = np.array(data.draw(st.lists(st.integers(0, 4), min_size=count, max_size=count)))
    pairs = [pair for pair in combinations(range(count), 2) if y[pair[0]] != y[pair[1]] and data.draw(st.booleans())]
    one, other = np.array(pairs, np.int32).reshape(-1, 2).T
    found = Conflicts(y, one, other, np.zeros(len(pairs), np.float32))
    weight = equal_priors(y)
    edges = np.zeros((len(pairs), count))
    edges[np.arange(len(pairs)), one] = edges[np.arange(len(pairs)), other] = 1
    exact = 1.0 if not pairs else -linprog(-weight, edges, np.ones(len(pairs)), bounds=(0, 1)).fun
    result = most_kept(found, 0.0)
    assert result == pytest.approx(exact, abs=1e-6)
    kept = [
        weight[list(some)].sum()
        for size in range(count + 1)
        for some in combinations(range(count), size)
        if not any(a in some and b in some for a, b in pairs)
    ]
    assert result >= max(kept) - 1e-12


def test_no_network_exceeds_the_ceiling_and_it_only_falls(demo_beats, demo_split):
    rows = demo_split.test[:120]
    levels = (0.01, 0.05, 0.1, 0.2, 0.3)
    table = ceiling(demo_beats, rows, levels)
    table["nearest"] = nearest_kept(demo_beats, demo_split.train, rows, levels)
    for column in ("kept", "kept_signal_only", "nearest"):
        assert table[column].is_monotonic_decreasing
    assert (table["kept_signal_only"] >= table["kept"] - 1e-9).all()
    assert (table["nearest"] <= table["kept"]).all()
    assert table["nearest"].iloc[0] > 0.5


def test_fewer_beats_can_only_raise_it_beat_by_beat(demo_beats):
    """With the same weights, conflicts of a part are among those of the whole."""
    rows = np.arange(0, 1000, 20)
    weight = np.ones(len(rows))
    whole = find_conflicts(demo_beats, rows, 0.3)
    part = find_conflicts(demo_beats, rows[:25], 0.3)
    assert (1 - most_kept(part, 0.3, weight[:25])) * 25 <= (1 - most_kept(whole, 0.3, weight)) * 50 + 1e-6


def test_the_nearest_neighbour_holds_up_to_what_it_proves(demo_beats, demo_split):
    rows, known = demo_split.test[:60], demo_split.train[::3]
    found = nearest(demo_beats, known, rows)
    rng = np.random.default_rng(0)
    for place, row in enumerate(rows):
        distance = np.abs(demo_beats.x[known] - demo_beats.x[row]).max(1)
        same = demo_beats.y[known] == demo_beats.y[row]
        gap = (distance[~same].min() - distance[same].min()) / 2
        assert found.certified[place] == pytest.approx(max(gap, 0), abs=1e-7)
        assert demo_beats.y[found.own[place]] == demo_beats.y[row] != demo_beats.y[found.other[place]]
        if gap > 0:
            noise = rng.choice([-1, 1], 187) * gap * (1 - 1e-5)
            moved = np.abs(demo_beats.x[known] - (demo_beats.x[row] + noise)).max(1)
            assert demo_beats.y[known[moved.argmin()]] == demo_beats.y[row]


def test_the_command_tells_and_keeps_it(cli, tmp_path):
    file = tmp_path / "ceiling.json"
    status, out, _ = cli("ceiling", "--source", "demo", "--per-class", "5", "--keep", file)
    assert status == 0
    assert "any classifier, at most" in out
    value = json.loads(file.read_text())
    assert (value["source"], value["count"]) == ("demo", 25)
    assert value["levels"][0].keys() == {"eps", "kept", "kept_signal_only", "nearest"}
    status, out, _ = cli("ceiling", "--source", "demo", "--per-class", "5", "--neighbours", "0", "--json")
    assert "nearest" not in json.loads(out)["levels"][0]


def test_a_kept_ceiling_is_read_again_and_holds_between_its_levels(tmp_path):
    path = tmp_path / "ceiling.json"
    assert read_ceiling(path) is None
    value = {"source": "demo", "split": {"fingerprint": "f"}, "count": 9}
    path.write_text(json.dumps(value | {"levels": [{"eps": 0.2, "kept": 0.5}, {"eps": 0.1, "kept": 0.9}]}))
    known = read_ceiling(path)
    assert [known.at(eps) for eps in (0.05, 0.1, 0.15, 0.2, 0.5)] == [1.0, 0.9, 0.9, 0.5, 0.5]


@pytest.mark.parametrize("damage", ["", "[]", '{"levels": []}', '{"source": "demo"}', "{"])
def test_a_damaged_ceiling_is_named(tmp_path, damage):
    path = tmp_path / "ceiling.json"
    path.write_text(damage)
    with pytest.raises(UserError, match="ceiling"):
        read_ceiling(path)


def test_the_included_ceiling_can_be_read():
    known = read_ceiling(REPOSITORY / "checkpoints" / CEILING_FILE)
    assert known.at(0.1) == pytest.approx(0.983, abs=1e-3)
