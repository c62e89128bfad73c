"""From a recording to beats: by marks exactly the training beats, otherwise by what is found; names; what cannot be cut."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import resample

from nsr_core.data.beats import Beats
from nsr_core.data.cutting import CLASS_OF_SYMBOL
from nsr_core.errors import UserError
from nsr_core.recordings.beats import NO_CLASS, SOURCE, cut_recording
from nsr_core.recordings.context import own_context
from nsr_core.recordings.files import read_path
from nsr_core.recordings.recording import Channel, Marks, Recording
from tests.recordings.heart import beat_train, even_beats, marks_at, recording

AT = even_beats(20)
COUNT = int(AT[-1]) + 150
NOISE = 1e-3 * np.random.default_rng(0).standard_normal(COUNT)
HEART = beat_train(COUNT, AT) + NOISE
#: Of 20 beats: the fourth is ventricular, a rhythm change follows the sixth.
SYMBOLS = [*"NNNVNN", "+", *"NNNNNNNNNNNNNN"]
MARKS = marks_at(np.insert(AT, 6, AT[5] + 100), SYMBOLS)


def cut(**options):
    return cut_recording(recording(HEART, marks=MARKS), "II", **options)


# Beats found in the signal


def test_beats_are_cut_where_they_are_found():
    """Each window opens on its peak and is int(300 + 60) samples long, every third of them: 120."""
    result = cut()
    assert result.beats_from == "detector"
    assert result.sample.tolist() == AT[:-1].tolist()
    assert result.time_s == pytest.approx(AT[:-1] / 360)
    assert result.reason.tolist() == [""] * (len(result.reason) - 1) + ["end"]
    assert result.row.tolist() == list(range(18))  # where the last one's window would close is a guess
    assert set(result.marked.tolist()) == {NO_CLASS}
    beats = result.beats
    assert set(beats.length.tolist()) == {120}
    assert beats.source == SOURCE
    assert set(beats.lead) == {"II"}
    assert not beats.y.any()
    assert not (beats.cut_short | beats.truncated).any()
    assert (beats.x.dtype, beats.y.dtype, beats.length.dtype) == (np.float32, np.int64, np.int16)
    whole = HEART[AT[3] : AT[3] + 360 : 3]
    np.testing.assert_allclose(beats.x[3, :120], (whole - whole.min()) / np.ptp(whole), atol=1e-6)
    assert not beats.x[:, 120:].any()
    np.testing.assert_allclose([beats.mv_min[3], beats.mv_max[3]], [whole.min(), whole.max()], rtol=1e-6)


def test_what_cannot_be_used_is_counted_and_left_out():
    signal = HEART.copy()
    signal[AT[4] + 150] = np.nan
    result = cut_recording(recording(signal), "II")
    assert result.sample.tolist() == AT[:-1].tolist()
    assert np.flatnonzero(result.reason).tolist() == [4, 18]
    assert result.reason[4] == "missing"
    assert result.row.tolist() == [row for row in range(18) if row != 4]
    assert result.beats.sample.tolist() == result.sample[result.row].tolist()
    assert len(result.beats) == 17


def test_a_recording_may_have_no_beat_that_can_be_used():
    signal = HEART.copy()
    signal[AT + 50] = np.nan
    result = cut_recording(recording(signal), "II")
    assert len(result.sample) == 19
    assert len(result.beats) == len(result.row) == 0
    assert isinstance(result.beats, Beats)


@pytest.mark.parametrize(("unit", "worth"), [("mV", 1.0), ("uV", 0.001), ("V", 1000.0)])
def test_beats_are_in_mv_where_the_unit_is_known(unit, worth):
    result, plain = cut(unit=unit), cut()
    np.testing.assert_allclose(result.beats.mv_range, plain.beats.mv_range * worth, rtol=1e-6)
    np.testing.assert_allclose(result.beats.x, plain.beats.x, atol=1e-6)


@pytest.mark.parametrize("unit", ["", "a.u."])
def test_of_an_unknown_unit_no_mv_are_told(unit):
    result = cut_recording(recording(HEART, unit=unit), "II")
    assert np.isnan(result.beats.mv_min).all()
    assert np.isnan(result.beats.mv_max).all()
    np.testing.assert_allclose(result.beats.x, cut().beats.x, atol=1e-6)


@pytest.mark.parametrize("fs_hz", [180.0, 250.0, 720.0])
def test_beats_of_another_rate_are_those_of_360_hz(fs_hz):
    """Each is found within two samples of where it is and looks the same within the filter's reach."""
    signal = resample(HEART, round(COUNT * fs_hz / 360))
    result, plain = cut_recording(recording(signal, fs_hz=fs_hz), "II"), cut()
    shift = result.sample[1:-1] - plain.sample[1:-1]
    assert np.abs(shift).max() <= 2
    assert np.corrcoef(result.beats.x[2, :115], plain.beats.x[2, :115])[0, 1] > 0.98


# Beats by the recording's own marks


def test_marks_give_the_beats_and_their_classes():
    """The mark after the sixth beat bounds it and opens no window: int(100 + 0.2 * 200) = 140 samples, a third is 47."""
    result = cut(use_marks=True)
    assert result.beats_from == "marks"
    assert result.sample.tolist() == AT[:-1].tolist()
    assert result.marked.tolist() == [0, 0, 0, 2] + [0] * 15
    assert result.beats.y.tolist() == [0, 0, 0, 2] + [0] * 14
    assert np.flatnonzero(result.beats.cut_short).tolist() == [5]
    assert result.beats.length[5] == 47
    assert result.beats.length[4] == np.ceil(int(300 + 0.2 * 100) / 3)  # its second distance ends on the mark


def test_marks_between_beats_that_are_left_out_keep_their_class():
    signal = HEART.copy()
    signal[AT[2] + 150] = np.nan
    result = cut_recording(recording(signal, marks=MARKS), "II", use_marks=True)
    assert result.marked[result.row].tolist() == result.beats.y.tolist()
    assert result.marked.tolist() == [0, 0, 0, 2] + [0] * 15


def test_marks_outside_the_recording_or_on_top_of_each_other_cut_nothing():
    """Two marks at one place, the last two: int(0 + 0.2 * 0) samples are no window."""
    sample = np.array([-50, *AT, AT[-1], COUNT, COUNT + 10**9])
    result = cut_recording(recording(HEART, marks=marks_at(sample, ["N"] * len(sample))), "II", use_marks=True)
    assert result.sample.tolist() == AT[:-1].tolist()


@pytest.mark.parametrize("fs_hz", [100.0, 250.0])
@pytest.mark.parametrize("start_s", [2.0, 2.0017, 2.003])
def test_marks_stand_where_they_stood_whatever_the_start_of_the_stretch(fs_hz, start_s):
    """Marks at the recording's own samples, 0.8 s apart: from the first sample of the stretch on, to the nearest of 360 Hz."""
    time_s = 0.4 + 0.8 * np.arange(20)
    signal = np.random.default_rng(0).standard_normal(round(17 * fs_hz))
    made = recording(signal, fs_hz=fs_hz, marks=Marks(time_s, ("N",) * 20))
    result = cut_recording(made, "II", start_s=start_s, use_marks=True)
    within = time_s[time_s >= result.lead.start_s - 0.5 / 360]
    assert result.time_s == pytest.approx(within[:-1], abs=0.5 / 360 + 1e-9)
    assert result.lead.start_s * fs_hz == pytest.approx(round(start_s * fs_hz))


def as_training(real_beats, name):
    return real_beats[np.flatnonzero(real_beats.record == name)]


def check_same(beats, training):
    np.testing.assert_allclose(beats.x, training.x, atol=1e-6)
    for column in ("y", "length", "cut_short", "truncated"):
        np.testing.assert_array_equal(getattr(beats, column), getattr(training, column))
    for column in ("mv_min", "mv_max"):
        np.testing.assert_allclose(getattr(beats, column), getattr(training, column), atol=1e-6)


@pytest.mark.parametrize("name", ["100", "102", "107", "108", "203", "208", "232"])
def test_the_marks_of_a_real_record_give_the_training_beats(real_beats, mitdb_root, name):
    """All of them but those left out; paced, noisy and paused records among them."""
    made = read_path(mitdb_root / name)
    result = cut_recording(made, made.channels[0].name, use_marks=True)
    training = as_training(real_beats, name)
    assert result.sample.tolist() == training.sample.tolist()
    assert result.marked.tolist() == training.y.tolist()
    check_same(result.beats, training[result.row])
    assert len(result.row) > 0.95 * len(training)


@pytest.mark.parametrize(("start_s", "stop_s"), [(601.0, 700.0), (1000.003, 1100.0), (1500.0, None)])
def test_so_they_do_from_the_middle_of_a_record_on(real_beats, mitdb_root, start_s, stop_s):
    """The last two beats of a stretch do not know what follows; 1000.003 s is sample 360,001."""
    made = read_path(mitdb_root / "208")
    result = cut_recording(made, "MLII", start_s=start_s, stop_s=stop_s, use_marks=True)
    first = round(start_s * 360)
    training = as_training(real_beats, "208")
    place = np.searchsorted(training.sample, first)
    training = training[place : place + len(result.sample)]
    assert (result.sample + first).tolist() == training.sample.tolist()
    assert result.time_s == pytest.approx(training.sample / 360)
    whole = result.row < len(result.sample) - 2
    check_same(result.beats[whole], training[result.row[whole]])
    assert whole.sum() > 100


# Names


def test_the_same_choices_have_the_same_key_however_they_are_said():
    keys = {
        cut(**options).key
        for options in (
            {},
            {"start_s": 0},
            {"fs_hz": np.float64(360)},
            {"fs_hz": 360},
            {"unit": "mV"},
            {"stop_s": 1e9},
            {"stop_s": COUNT / 360},
            {"use_marks": False},
        )
    }
    assert len(keys) == 1


def test_every_other_choice_has_another_key():
    made = recording(HEART, marks=MARKS)
    two = replace(made, channels=(*made.channels, replace(made.channels[0], name="V5")))
    others = [
        cut(),
        cut(fs_hz=300.0),
        cut(unit="uV"),
        cut(unit=""),
        cut(start_s=1.0),
        cut(stop_s=12.0),
        cut(use_marks=True),
        cut_recording(two, "V5"),
        cut_recording(replace(made, digest="e" * 64), "II"),
    ]
    assert len({result.key for result in others}) == len(others)
    assert cut_recording(two, "II").key == cut().key


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("made", "made"),
        ("my ECG: of 3/4 (copy)", "my-ECG-of-3-4-copy"),
        ("../../etc/passwd", "etc-passwd"),
        ("Jürgen", "J-rgen"),
        ("心電図", "recording"),
        ("a" * 100, "a" * 24),
    ],
)
def test_beats_are_named_plainly(name, plain):
    """A name is ``record:sample``, so a record has no colon, space or slash."""
    result = cut_recording(recording(HEART, name=name), "II")
    key, dash, digest = result.key.rpartition("-")
    assert (key, dash, len(digest)) == (plain, "-", 8)
    assert result.recording == name
    assert result.beats.names()[0] == f"{result.key}:{AT[0]}"
    assert len(np.unique(result.beats.names())) == 18


# What cannot be cut


def test_a_lead_that_there_is_not_is_named_with_those_that_there_are():
    with pytest.raises(UserError, match=r'made has no lead "V9"\. Choose one of: II\.'):
        cut_recording(recording(HEART), "V9")


def test_marks_that_there_are_not_cannot_be_used():
    with pytest.raises(UserError, match=r"made came without marks\. Let the beats be found"):
        cut_recording(recording(HEART), "II", use_marks=True)


@pytest.mark.parametrize("moving", [0, 3])
def test_a_lead_that_does_not_move_cannot_be_cut(moving):
    signal = np.full(2000, 1.5)
    signal[2000 - moving :] = 0
    with pytest.raises(UserError, match="No two heartbeats were found in II from 1 s on"):
        cut_recording(recording(signal), "II", start_s=1.0)


@pytest.mark.parametrize("symbols", ["", "N", "++", "+N"])
def test_fewer_than_two_marked_beats_cannot_be_cut(symbols):
    marks = marks_at(AT[: len(symbols)], symbols)
    with pytest.raises(UserError, match="No two heartbeats were found in II"):
        cut_recording(recording(HEART, marks=marks), "II", use_marks=True)
    assert all(symbol == "+" or symbol in CLASS_OF_SYMBOL for symbol in symbols)


def test_what_the_grid_refuses_is_refused():
    made = Recording("made", "csv", (Channel("II", "mV", None, HEART),), None, "d" * 64)
    with pytest.raises(UserError, match="Give the sampling rate"):
        cut_recording(made, "II")
    assert len(cut_recording(made, "II", fs_hz=360.0).beats) == 18


def test_a_beat_is_shown_among_its_neighbours():
    """Beats 300 samples apart: five of them around the tenth, 72 a minute, and its own signal under its mark."""
    result = cut()
    context = own_context(result, 9)
    assert (context.lead, context.in_mv, context.at, len(context.beat_s)) == ("II", True, 2, 5)
    assert context.start_s == pytest.approx(AT[9] / 360)
    assert context.stop_s == pytest.approx(context.start_s + 1)
    assert (context.rr_before_s, context.rr_after_s) == (pytest.approx(300 / 360), pytest.approx(300 / 360))
    assert context.rate_bpm == pytest.approx(72)
    at = int(np.abs(context.time_s - context.start_s).argmin())
    assert context.signal[at] == pytest.approx(HEART[AT[9]])
