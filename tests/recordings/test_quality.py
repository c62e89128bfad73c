"""Which beats are left out and why: each reason on a signal made for it, and none where nothing is wrong."""

import numpy as np
import pytest

from nsr_core.data.beats import BEAT_LENGTH, DECIMATION
from nsr_core.data.cutting import Window, find_windows
from nsr_core.recordings.grid import Lead, to_grid
from nsr_core.recordings.quality import REASONS, unusable
from nsr_core.recordings.recording import Channel
from tests.recordings.heart import beat_train, even_beats

INTERVAL = 300
NAN = float("nan")


def lead_of(signal):
    """With a faint noise, so that no line is flat that is not made so."""
    noise = 1e-3 * np.random.default_rng(0).standard_normal(len(signal))
    return to_grid(Channel("II", "mV", 360.0, signal + noise))


def reasons(signal, at):
    return unusable(lead_of(signal), find_windows(np.asarray(at), ["N"] * len(at))).tolist()


@pytest.fixture
def heart():
    """Eight beats, 300 samples apart, the seventh of which is the last with a window: int(300 + 60) samples long."""
    at = even_beats(8, INTERVAL)
    return beat_train(int(at[-1]) + 200, at), at


def test_nothing_is_wrong_with_beats_as_they_should_be(heart):
    assert reasons(*heart) == [""] * 7


@pytest.mark.parametrize("count", [1, 2, 7])
def test_a_short_row_of_beats_is_judged_like_a_long_one(heart, count):
    signal, at = heart
    assert reasons(signal, at[: count + 1]) == [""] * count


def test_missing_samples_spoil_the_beats_whose_windows_they_are_in(heart):
    """Sample 1030 lies in the windows [720, 1080) and [1020, 1380): a window goes on for a fifth after the next beat."""
    signal, at = heart
    signal[1030] = NAN
    assert reasons(signal, at) == ["", "", "missing", "missing", "", "", ""]


@pytest.mark.parametrize(("sample", "spoilt"), [(719, [1]), (720, [1, 2]), (779, [1, 2]), (780, [2])])
def test_a_window_begins_with_its_beat_and_ends_before_its_stop(heart, sample, spoilt):
    """The windows of beats 1 and 2 are [420, 780) and [720, 1080)."""
    signal, at = heart
    signal[sample] = NAN
    assert [row for row, reason in enumerate(reasons(signal, at)) if reason] == spoilt


def test_a_flat_line_of_04_s(heart):
    signal, at = heart
    lead = lead_of(signal)
    for length, reason in ((143, ""), (144, "flat")):
        still = lead.signal.copy()
        still[750 : 750 + length] = 0.1
        result = unusable(to_grid(Channel("II", "mV", 360.0, still)), find_windows(at, ["N"] * len(at)))
        assert result.tolist() == ["", reason, reason, "", "", "", ""]


def test_a_signal_at_the_recorder_s_limit(heart):
    signal, at = heart
    lead = lead_of(signal)
    cut_off = lead.signal.copy()
    cut_off[1015:1025] = cut_off.max() + 0.1
    result = unusable(to_grid(Channel("II", "mV", 360.0, cut_off)), find_windows(at, ["N"] * len(at)))
    assert result.tolist() == ["", "", "clipped", "clipped", "", "", ""]


@pytest.mark.parametrize(("interval", "reason"), [(71, "interval"), (72, ""), (1080, ""), (1081, "interval")])
def test_the_next_beat_comes_within_02_and_3_s(interval, reason):
    """72 and 1080 samples at 360 Hz."""
    at = np.cumsum([120, 300, 300, interval, 300, 300, 300])
    signal = beat_train(int(at[-1]) + 200, at)
    assert reasons(signal, at) == ["", "", reason, "", "", ""]


@pytest.mark.parametrize(("interval", "reason"), [(60, "interval"), (300, ""), (1070, ""), (1090, "interval")])
def test_the_last_window_s_interval_counts_too(interval, reason):
    """Its end tells where the recording's last beat is, which has no window."""
    at = np.cumsum([120, 300, 300, 300, interval])
    signal = beat_train(int(at[-1]) + 300, at)
    assert reasons(signal, at) == ["", "", "", reason]


def test_an_only_window_over_a_long_pause_is_left_out():
    at = np.array([120, 3000])
    assert reasons(beat_train(3200, at), at) == ["interval"]


def with_a_beat_of(range_in_usual):
    """Beats of a sawtooth that spans exactly 1, the fourth of which spans something else; none reaches into another."""
    saw = np.tile(np.arange(300) % 2, 9).astype(float)
    saw[900:1200] *= range_in_usual
    windows = [Window(300 * beat, 300 * beat + 300, 0, False) for beat in range(8)]
    nothing = np.zeros(len(saw), bool)
    lead = Lead("II", True, 360.0, 0.0, saw, nothing, nothing, nothing)
    return unusable(lead, windows).tolist()


@pytest.mark.parametrize(
    ("range_in_usual", "reason"), [(0.0, "weak"), (0.1, "weak"), (0.11, ""), (1, ""), (6, ""), (6.1, "strong")]
)
def test_a_beat_that_is_far_weaker_or_stronger_than_the_usual_one(range_in_usual, reason):
    assert with_a_beat_of(range_in_usual) == ["", "", "", reason, "", "", "", ""]


def test_without_any_signal_every_beat_is_weak():
    """0 is not above a tenth of 0."""
    nothing = np.zeros(900, bool)
    lead = Lead("II", True, 360.0, 0.0, np.zeros(900), nothing, nothing, nothing)
    assert unusable(lead, find_windows(np.array([0, 300, 600]), ["N"] * 3)).tolist() == ["weak", "weak"]


def test_only_what_a_network_sees_of_a_window_counts():
    """187 samples at 120 Hz are 561 at 360 Hz: what comes later in a long window is cut off."""
    seen = DECIMATION * BEAT_LENGTH
    assert seen == 561
    for sample, reason in ((120 + seen - 1, "missing"), (120 + seen, "")):
        at = np.array([120, 1020, 1920])
        signal = beat_train(2200, at)
        signal[sample] = NAN
        assert reasons(signal, at)[0] == reason


def test_a_window_beyond_the_end_is_judged_by_what_there_is():
    """The last window would end at 1140; the recording does at 1130, and its very last sample counts."""
    at = np.array([180, 480, 780, 1080])
    signal = beat_train(1130, at)
    assert reasons(signal, at) == ["", "", ""]
    signal[1129] = NAN
    assert reasons(signal, at) == ["", "", "missing"]


def all_wrong(reasons_wanted):
    """Windows in which exactly these reasons hold at once."""
    count = 3000
    signal = np.tile([0.0, 1.0], count // 2)
    masks = {name: np.zeros(count, bool) for name in ("missing", "flat", "clipped")}
    for name in reasons_wanted & masks.keys():
        masks[name][605] = True
    length = 60 if "interval" in reasons_wanted else 300
    if "weak" in reasons_wanted:
        signal[600 : 600 + length] = 0.5
    if "strong" in reasons_wanted:
        signal[600 : 600 + length] *= 7
    windows = [Window(start, start + 300, 0, False) for start in (0, 300)]
    windows += [Window(600, 600 + length, 0, False)]
    windows += [Window(start, start + 300, 0, False) for start in range(600 + length, 2400, 300)]
    result = unusable(Lead("II", True, 360.0, 0.0, signal, **masks), windows)
    return result.tolist()[2]


def test_of_several_reasons_the_first_is_told():
    """In the order of the table; weak and strong exclude each other."""
    for last in ("weak", "strong"):
        names = [name for name in REASONS if name not in ("weak", "strong", "end")] + [last]
        for first in range(len(names)):
            assert all_wrong(set(names[first:])) == names[first]


def test_every_reason_is_a_sentence():
    assert all(text.endswith(".") and text[0].isupper() for text in REASONS.values())
