"""The measure of the detector: what counts as found, flutter apart, and windows searched as recordings of their own."""

import json

import numpy as np
import pytest

from benchmarks.detection import Reference, by_record, by_set, matched, score, write_json
from nsr_core.recordings.recording import Marks
from tests.recordings.heart import beat_train, even_beats

AT = even_beats(150)
COUNT = int(AT[-1]) + 150
HEART = beat_train(COUNT, AT) + 1e-3 * np.random.default_rng(0).standard_normal(COUNT)


def reference(sample, symbols):
    return Reference.of(Marks(np.asarray(sample) / 360, tuple(symbols)))


@pytest.mark.parametrize(("away", "found"), [(0, True), (54, True), (-54, True), (55, False), (-55, False)])
def test_a_beat_is_found_within_150_ms(away, found):
    """54 samples at 360 Hz."""
    assert matched(np.array([1000]), np.array([1000 + away])).tolist() == [found]


def test_a_detection_finds_one_beat_and_a_beat_needs_one():
    assert matched(np.array([1000, 1050]), np.array([1030])).tolist() == [False, True]
    assert matched(np.array([1000]), np.array([990, 1010])).sum() == 1
    assert matched(np.array([1000]), np.array([], int)).tolist() == [False]
    assert matched(np.array([], int), np.array([1000])).tolist() == []


def test_flutter_is_counted_apart():
    """Neither its beats nor what is found in it count; other marks are no beats."""
    made = reference([100, 400, 500, 700, 900, 1200], "NV[E]+")
    assert made.sample.tolist() == [100, 400]
    assert made.label.tolist() == [0, 2]
    assert made.flutter == ((500, 900),)
    assert made.in_flutter(np.array([445, 446, 954, 955])).tolist() == [False, True, True, False]


def test_every_beat_found_is_a_sensitivity_and_a_predictivity_of_100():
    result = score("100", HEART, reference(AT, ["N"] * 149 + ["V"]))
    assert (result.found, result.beats) == ((149, 0, 1, 0, 0), (149, 0, 1, 0, 0))
    assert result.detections == 150
    assert (result.windows, result.windows_off) == (2, ())
    row = by_set([result]).iloc[0]
    assert (row["Se %"], row["+P %"], row["Se V %"], row["Se S %"]) == ("100.00", "100.00", "100.00", "-")


def test_a_missed_beat_and_a_false_one_are_counted_by_class_and_window(tmp_path):
    """Five ventricular beats that the signal does not have, and five beats that nobody annotated, all in the first minute."""
    symbols = np.full(150, "N")
    symbols[20:25] = "V"
    signal = beat_train(COUNT, np.delete(AT, np.s_[20:25])) + 1e-3 * np.random.default_rng(0).standard_normal(COUNT)
    result = score("101", signal, reference(np.delete(AT, np.s_[40:45]), np.delete(symbols, np.s_[40:45])))
    assert (result.beats[2], result.found[2]) == (5, 0)
    assert result.detections - sum(result.found) == 5
    assert result.windows_off == ()  # as many too many as too few
    row = by_record([result]).iloc[0]
    assert (row["missed"], row["false"], row["V missed"]) == (5, 5, 5)
    write_json(tmp_path / "counts.json", [result])
    assert json.loads((tmp_path / "counts.json").read_text())[0]["found"] == list(result.found)


def test_a_window_with_too_few_detections_is_named():
    result = score("101", beat_train(COUNT, np.delete(AT, np.s_[20:25])), reference(AT, ["N"] * 150))
    assert result.windows_off == (0,)
