"""Curves against the shipped summaries, on tables by hand where numbers can be counted, and the beats behind a point."""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nsr_core.data import CLASSES
from nsr_core.data.frequencies import frequencies_of
from nsr_core.evaluation import curves
from nsr_core.evaluation.curves import MEASURES, beats_that_flip, curve
from nsr_core.evaluation.summary import Reading, readings
from nsr_core.evaluation.table import load_table, outcomes
from nsr_core.training.card import BEATS_FILE, RESULTS_FILE, list_checkpoints, read_card

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2] / "checkpoints"
SHIPPED = list_checkpoints(ROOT)
READINGS = ("pgd20", "pgd100", "spsa")
#: Column of robustness.csv: measure, natural, alone.
COLUMNS = {
    "acc": ("acc", False, False),
    "prec": ("prec", False, False),
    "acc_natural": ("acc", True, False),
    "prec_natural": ("prec", True, False),
    "acc_alone": ("acc", False, True),
    "prec_alone": ("prec", False, True),
} | {f"recall_{label}": (f"recall_{label}", False, False) for label in CLASSES}

every_checkpoint = pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
every_reading = pytest.mark.parametrize("name", READINGS)


@pytest.fixture(scope="module")
def stored():
    """``stored(folder)``: a shipped per-beat table, read once."""
    return cache(lambda folder: load_table(folder / BEATS_FILE))


@pytest.fixture
def quick(monkeypatch):
    """Outcomes worked out once for a table and reading, without the beats' names, and 5 resamples: values stay the same."""
    original, resample, seen = curves.outcomes, curves.bootstrap_counts, {}

    def remembered(table, attack, steps):
        key = id(table), attack, steps
        if key not in seen:
            seen[key] = original(table, attack, steps).drop(columns=["record", "sample"])
        return seen[key]

    monkeypatch.setattr(curves, "outcomes", remembered)
    monkeypatch.setattr(curves, "bootstrap_counts", lambda counts: resample(counts, repeats=5))


def test_every_shipped_checkpoint_is_looked_at():
    assert len(SHIPPED) >= 9


@every_checkpoint
def test_every_curve_is_the_column_of_the_shipped_summary(folder, stored, quick):
    """All readings and all measures, to the 5 digits of the file."""
    table, summary = stored(folder), pd.read_csv(folder / RESULTS_FILE)
    frequencies = frequencies_of(read_card(folder))
    read = readings(table)
    assert list(read) == list(dict.fromkeys(summary["attack"]))
    for name, reading in read.items():
        rows = summary[summary["attack"] == name].reset_index(drop=True)
        for column, (measure, natural, alone) in COLUMNS.items():
            drawn = curve(table, reading, measure, natural=natural, alone=alone, frequencies=frequencies)
            assert drawn["eps"].tolist() == rows["eps"].tolist()
            assert drawn["beats"].tolist() == rows["beats"].tolist()
            np.testing.assert_allclose(drawn["value"], rows[column], rtol=0, atol=5.001e-6, err_msg=f"{name} {column}")
            if not alone and measure == "acc":
                assert (drawn["value"].diff()[1:] <= 0).all()


@every_reading
def test_the_interval_of_the_accuracy_is_the_shipped_one(name, stored):
    folder = ROOT / "mlp-ce"
    rows = pd.read_csv(folder / RESULTS_FILE).query("attack == @name")
    drawn = curve(stored(folder), readings(stored(folder))[name], "acc")
    np.testing.assert_allclose(drawn[["low", "high"]], rows[["acc_low", "acc_high"]], rtol=0, atol=5.001e-6)


@pytest.mark.parametrize("measure", MEASURES)
def test_the_interval_holds_the_value(measure, stored):
    """By SPSA, whose 810 beats are resampled quickly."""
    table = stored(ROOT / "mlp-mseMargin")
    for natural, alone in [(False, False), (True, False), (False, True)]:
        drawn = curve(table, Reading("spsa", None), measure, natural=natural, alone=alone)
        assert (drawn["low"] <= drawn["value"]).all()
        assert (drawn["value"] <= drawn["high"]).all()
        assert (drawn["high"] - drawn["low"]).max() > 0.01


@pytest.fixture
def table(make_table):
    """Five beats at three levels, one attack; the last is misread clean, the fourth holds.

    Beat 0 breaks at 0.1 and is missed at 0.2 and 0.3; 1 breaks at 0.2 after 30 steps, at 0.3 after 10; 2 breaks at 0.3.
    """
    step = [[4, -1, -1, -1, -2], [-1, 30, -1, -1, -2], [-1, 10, 15, -1, -2]]
    pred = [[1, 0, 1, 1, 3], [0, 2, 1, 1, 3], [0, 4, 0, 1, 3]]
    return make_table(step, pred, y=[0, 0, 1, 1, 1], clean=[0, 0, 1, 1, 3], eps=[0.1, 0.2, 0.3])


def test_a_curve_can_be_counted_by_hand(table):
    """Class 0 loses a half, a half, nothing; class 1 has two of three right until beat 2 breaks."""
    read = Reading("pgd", None)
    drawn = curve(table, read, "acc")
    assert tuple(drawn) == ("eps", "value", "low", "high", "beats")
    assert drawn["eps"].tolist() == [0, 0.1, 0.2, 0.3]
    assert drawn["beats"].tolist() == [5] * 4
    assert drawn["value"].tolist() == pytest.approx([(1 + 2 / 3) / 2, (1 / 2 + 2 / 3) / 2, (2 / 3) / 2, (1 / 3) / 2])
    alone = curve(table, read, "acc", alone=True)
    assert alone["value"].tolist() == pytest.approx([(1 + 2 / 3) / 2, (1 / 2 + 2 / 3) / 2, (1 / 2 + 2 / 3) / 2, 5 / 12])
    assert curve(table, read, "acc", natural=True)["value"].tolist() == pytest.approx([0.8, 0.6, 0.4, 0.2])
    assert curve(table, read, "acc", natural=True, alone=True)["value"].tolist() == pytest.approx([0.8, 0.6, 0.6, 0.4])
    assert curve(table, read, "recall_N")["value"].tolist() == [1, 0.5, 0, 0]
    assert np.isnan(curve(table, read, "recall_V")["value"]).all()
    # Predicted as 0: all of class 0, then a half of it, then nothing, then a third of class 1.
    assert curve(table, read, "prec")["value"].tolist() == pytest.approx(
        [1, (1 + (2 / 3) / (2 / 3 + 1 / 2)) / 2, (0 + 2 / 3 / (2 / 3 + 1 / 2)) / 2, (0 + 1 / 3 / (1 / 3 + 1 / 2)) / 2]
    )


def test_fewer_steps_are_read_as_a_shorter_attack(table):
    """Beat 1 needs 30 steps at 0.2; within 20 it breaks at 0.3 only."""
    drawn = curve(table, Reading("pgd", 20), "acc", natural=True)
    assert drawn["value"].tolist() == pytest.approx([0.8, 0.6, 0.6, 0.2])


def test_every_measure_has_a_title_of_its_own():
    assert len({measure.title for measure in MEASURES.values()}) == len(MEASURES) == 2 + len(CLASSES)


# The beats behind a point


def flips(table, reading, eps):
    """{beat: (class, read as, step)}"""
    found = beats_that_flip(table, reading, eps)
    assert tuple(found) == ("record", "sample", "y", "pred", "step")
    assert found["step"].tolist() == sorted(found["step"])
    return {
        sample: tuple(values)
        for sample, *values in found[["sample", "y", "pred", "step"]].itertuples(index=False, name=None)
    }


def test_the_beats_that_flip_can_be_told_by_hand(table):
    read = Reading("pgd", None)
    assert flips(table, read, 0.0) == {4: (1, 3, -1)}
    assert flips(table, read, 0.1) == {0: (0, 1, 4)}
    assert flips(table, read, 0.2) == {1: (0, 2, 30)}
    assert flips(table, read, 0.3) == {2: (1, 0, 15)}
    short = Reading("pgd", 20)
    assert flips(table, short, 0.2) == {}
    assert flips(table, short, 0.3) == {1: (0, 4, 10), 2: (1, 0, 15)}


def test_the_beats_that_flip_come_by_step_and_of_the_attack_that_was_asked_for(make_table):
    first = make_table([[9, 3, 7]], [[1, 2, 3]], y=[0, 0, 0], clean=[0, 0, 0], eps=[0.1], attack="spsa")
    other = make_table([[2, -1, -1]], [[4, 0, 0]], y=[0, 0, 0], clean=[0, 0, 0], eps=[0.1], attack="pgd")
    both = pd.concat([first, other], ignore_index=True).sample(frac=1, random_state=1, ignore_index=True)
    found = beats_that_flip(both, Reading("spsa", None), 0.1)
    assert found["sample"].tolist() == [1, 2, 0]
    assert found["step"].tolist() == [3, 7, 9]
    assert found["pred"].tolist() == [2, 3, 1]
    assert flips(both, Reading("pgd", None), 0.1) == {0: (0, 4, 2)}


def test_a_beat_that_was_carried_along_flips_once(make_table):
    """Broken at 0.1 and not attacked at larger levels (step -3)."""
    carried = make_table(
        [[5, -1], [-3, 8], [-3, -3]],
        [[1, 0], [1, 2], [1, 2]],
        y=[0, 0],
        clean=[0, 0],
        eps=[0.1, 0.2, 0.3],
        attack="spsa",
    )
    read = Reading("spsa", None)
    assert [flips(carried, read, eps) for eps in (0.0, 0.1, 0.2, 0.3)] == [{}, {0: (0, 1, 5)}, {1: (0, 2, 8)}, {}]


def test_beats_of_one_place_in_two_records_are_two_beats(make_table):
    """The second record's beat, at the same sample, flips later."""
    table = make_table([[1, -1], [1, 2]], [[1, 0], [1, 1]], y=[0, 0], clean=[0, 0], eps=[0.1, 0.2]).assign(sample=77)
    first, second = (beats_that_flip(table, Reading("pgd", None), eps) for eps in (0.1, 0.2))
    assert first["record"].tolist() == ["100"]
    assert second["record"].tolist() == ["101"]


@every_reading
def test_the_beats_that_flip_are_a_partition_of_those_that_ever_do(name, stored):
    """Each in one level only, with the class and the label of ``outcomes`` there and the step of the table.

    Checked on adv0.3, of whose beats PGD missed more at larger levels than of any other's.
    """
    table = stored(ROOT / "mlp-adv0.3")
    read = readings(table)[name]
    result = outcomes(table, *read)
    rows = table[table["attack"] == read.attack]
    levels = np.sort(result["eps"].unique())
    parts = {eps: beats_that_flip(table, read, eps) for eps in (0.0, *levels)}
    assert sum(map(len, parts.values())) > 0
    last = result[result["eps"] == levels[-1]]
    ever = last[last["broken"] | (last["clean"] != last["y"])]
    together = pd.concat([part[["record", "sample"]] for part in parts.values()])
    assert not together.duplicated().any()
    assert set(together.itertuples(index=False, name=None)) == set(
        ever[["record", "sample"]].itertuples(index=False, name=None)
    )
    misread = result[(result["eps"] == levels[0]) & (result["clean"] != result["y"])]
    assert len(parts[0.0]) == len(misread)
    assert (parts[0.0]["pred"] != parts[0.0]["y"]).all()
    assert (parts[0.0]["step"] == -1).all()
    for eps in levels:
        part = parts[eps]
        there = part[["record", "sample"]].merge(result[result["eps"] == eps], validate="one_to_one")
        stored_step = part[["record", "sample"]].merge(rows[rows["eps"] == eps], validate="one_to_one")["step"]
        assert len(there) == len(stored_step) == len(part)
        assert part["step"].is_monotonic_increasing
        assert (part["step"] >= 0).all()
        assert read.steps is None or (part["step"] <= read.steps).all()
        assert part["step"].tolist() == stored_step.tolist()
        assert part["y"].tolist() == there["y"].tolist()
        assert part["pred"].tolist() == there["pred"].tolist()
        assert (there["clean"] == there["y"]).all()
    lost = -curve(table, read, "acc", natural=True)["value"].diff().to_numpy()[1:] * len(last)
    assert [len(parts[eps]) for eps in levels] == lost.round().tolist()


def test_a_level_that_was_not_tried_has_no_beats(table):
    assert beats_that_flip(table, Reading("pgd", None), 0.15).empty
