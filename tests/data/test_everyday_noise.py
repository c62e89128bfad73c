"""Everyday noise: its spectra, its ratio to the signal, whose chance it is, and what it leaves of a beat."""

import numpy as np
import pytest

from nsr_core.data.beats import RECORD_FS_HZ, signal_mask
from nsr_core.data.everyday_noise import (
    NOISE_KINDS,
    add_noise,
    beat_noise,
    generator_of,
    noise_rms,
    scale_again,
    signal_power,
    synthesise,
    unit,
)
from nsr_core.errors import UserError

KINDS = tuple(NOISE_KINDS)
LONG = round(120 * RECORD_FS_HZ)
#: Per kind a band in Hz and the least share of the power that must lie in it.
BANDS = {
    "wander": [(0, 0.7, 0.95), (0.1, 0.5, 0.6)],
    "muscle": [(5, 101, 0.98), (10, 80, 0.75)],
    "motion": [(0, 10, 0.98), (0.7, 10, 0.6)],
    "mains50": [(49.7, 50.3, 0.97)],
    "mains60": [(59.7, 60.3, 0.97)],
}


def spectrum(noise, fs):
    return np.fft.rfftfreq(len(noise), 1 / fs), np.abs(np.fft.rfft(noise)) ** 2


@pytest.fixture(scope="module")
def some(demo_beats):
    """30 demo beats, and their rows."""
    rows = np.arange(100, 130)
    return demo_beats[rows], rows


def noisy(beats, rows, kind, snr_db, draw=0):
    noise = beat_noise(kind, beats.length, rows, draw=draw)
    return add_noise(beats.x, beats.length, noise, snr_db)


def measured(clean, noisy, length):
    """dB, beat by beat and in plain words, unlike the module."""
    result = []
    for beat, other, count in zip(clean.astype(np.float64), noisy, length, strict=True):
        result.append(10 * np.log10(np.var(beat[:count]) / np.var((other - beat)[:count])))
    return np.array(result)


# Spectra


def test_every_kind_has_a_band_here():
    assert set(BANDS) == set(NOISE_KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_the_power_lies_where_it_belongs(kind):
    power = np.zeros(LONG // 2 + 1)
    for draw in range(5):
        noise = synthesise(kind, LONG, generator_of(kind, 0, draw, 0))
        assert noise.mean() == pytest.approx(0, abs=1e-9)
        assert np.mean(noise**2) == pytest.approx(1)
        hz, own = spectrum(noise, RECORD_FS_HZ)
        power += own
    for low, high, least in BANDS[kind]:
        assert power[(hz >= low) & (hz <= high)].sum() / power.sum() > least, (low, high)


@pytest.mark.parametrize("mains", [50, 60])
def test_the_hum_peaks_at_its_frequency_and_hums_on_its_harmonics(mains):
    hz, power = spectrum(synthesise(f"mains{mains}", LONG, generator_of("x", 0, 0, 0)), RECORD_FS_HZ)
    assert hz[power.argmax()] == pytest.approx(mains, abs=0.15)
    third = power[np.abs(hz - 3 * mains) < 1].sum()
    assert 0.001 < third / power.sum() < 0.02


def test_sampled_as_the_beats_are_the_harmonics_of_50_hz_come_back_folded():
    """100 and 150 Hz lie above 60 Hz; every third sample of 360 Hz shows them at 20 and 30 Hz."""
    hz, power = spectrum(synthesise("mains50", LONG, generator_of("x", 0, 0, 0))[::3], RECORD_FS_HZ / 3)
    assert power[np.abs(hz - 30) < 1].sum() > 5 * power[np.abs(hz - 25) < 1].sum()
    assert power[np.abs(hz - 20) < 1].sum() > 5 * power[np.abs(hz - 25) < 1].sum()


def test_60_hz_alternates_on_the_beats_samples(some):
    beats, rows = some
    noise = beat_noise("mains60", beats.length, rows)
    turned = [np.mean(each[1:count] * each[: count - 1] < 0) for each, count in zip(noise, beats.length, strict=True)]
    assert np.median(turned) == 1


def test_muscle_swells_and_ebbs_and_the_hum_does_not():
    def unevenness(kind):
        noise = synthesise(kind, LONG, generator_of(kind, 0, 0, 0)).reshape(-1, round(RECORD_FS_HZ / 4))
        rms = np.sqrt(np.mean(noise**2, axis=1))
        return rms.std() / rms.mean()

    assert unevenness("muscle") > 0.4
    assert unevenness("mains50") < 0.15


# Ratio


@pytest.mark.parametrize("kind", KINDS)
def test_the_ratio_asked_for_is_the_ratio_measured(kind, some):
    beats, rows = some
    noise = beat_noise(kind, beats.length, rows)
    for snr_db in (24.0, 6.0, 0.0, -3.0):
        result = add_noise(beats.x, beats.length, noise, snr_db)
        np.testing.assert_allclose(measured(beats.x, result, beats.length), snr_db, atol=1e-6)


def test_in_millivolts_it_is_the_same_ratio_and_the_same_beat(some):
    """The range cancels: noise added in mV, then min-max, gives what noise on the relative amplitude gives."""
    beats, rows = some
    low, span = (value.astype(np.float64)[:, None] for value in (beats.mv_min, beats.mv_range))
    mask = signal_mask(beats.length)
    mv = np.where(mask, low + span * beats.x, 0)
    noise = beat_noise("motion", beats.length, rows)
    noisy_mv = mv + noise_rms(mv, beats.length, 6)[:, None] * noise
    np.testing.assert_allclose(measured(mv, noisy_mv, beats.length), 6, atol=1e-6)
    bottom = np.min(noisy_mv, axis=1, where=mask, initial=np.inf)[:, None]
    top = np.max(noisy_mv, axis=1, where=mask, initial=-np.inf)[:, None]
    by_hand = np.where(mask, (noisy_mv - bottom) / (top - bottom), 0)
    raw = add_noise(beats.x, beats.length, noise, 6)
    np.testing.assert_allclose(scale_again(raw, beats.x, beats.length), by_hand, atol=1e-6)


def test_padding_counts_neither_as_signal_nor_as_noise():
    x = np.zeros((1, 187), np.float32)
    x[0, :4] = [0, 1, 0, 1]
    assert signal_power(x, np.array([4])) == pytest.approx(0.25)
    assert noise_rms(x, np.array([4]), 20) == pytest.approx(0.05)


# What is left of the beat


@pytest.mark.parametrize("kind", KINDS)
def test_without_noise_the_beat_is_what_it_was(kind, some):
    beats, rows = some
    np.testing.assert_array_equal(scale_again(noisy(beats, rows, kind, np.inf), beats.x, beats.length), beats.x)


@pytest.mark.parametrize("kind", KINDS)
def test_noise_is_followed_by_min_max_and_leaves_the_padding(kind, some):
    beats, rows = some
    raw = noisy(beats, rows, kind, 3)
    x = scale_again(raw, beats.x, beats.length)
    assert x.dtype == np.float32
    assert (raw[~signal_mask(beats.length)] == 0).all()
    assert (x[~signal_mask(beats.length)] == 0).all()
    for each, count in zip(x, beats.length, strict=True):
        assert (each[:count].min(), each[:count].max()) == (0, 1)
    assert np.abs(x - beats.x).max() > 0.05


def test_the_extremes_that_a_truncated_beat_lost_stay_its_scale():
    """Minimum 0.25 and maximum 0.75 are left of it: 0 and 1 were in the lost part."""
    x = np.linspace(0.25, 0.75, 187, dtype=np.float32)[None]
    length = np.array([187])
    np.testing.assert_array_equal(scale_again(x.astype(np.float64), x, length), x)
    raised = x.astype(np.float64)
    raised[0, 90] = 1.5
    np.testing.assert_allclose(scale_again(raised, x, length), raised / 1.5, rtol=1e-6)


def test_flat_and_very_short_beats_stay_finite():
    x = np.zeros((3, 187), np.float32)
    x[1, 0], x[2, 1] = 1, 1
    length = np.array([100, 1, 2], np.int16)
    for kind in KINDS:
        noise = beat_noise(kind, length, np.arange(3))
        result = scale_again(add_noise(x, length, noise, 0), x, length)
        assert np.isfinite(result).all()
        np.testing.assert_array_equal(result[:2], x[:2])


# Chance


@pytest.mark.parametrize("kind", KINDS)
def test_a_beats_noise_is_its_own_whatever_the_batch(kind, some):
    beats, rows = some
    result = beat_noise(kind, beats.length, rows)
    order = np.random.default_rng(0).permutation(len(rows))
    np.testing.assert_array_equal(beat_noise(kind, beats.length[order], rows[order]), result[order])
    np.testing.assert_array_equal(beat_noise(kind, beats.length[7:8], rows[7:8]), result[7:8])


def test_another_seed_draw_row_or_kind_is_other_noise():
    length = np.array([187])
    result = [beat_noise("muscle", length, [3]), beat_noise("muscle", length, [4])]
    result += [beat_noise("muscle", length, [3], seed=1), beat_noise("muscle", length, [3], draw=1)]
    result += [beat_noise("motion", length, [3])]
    for one in range(len(result)):
        for other in range(one):
            assert abs(np.corrcoef(result[one], result[other])[0, 1]) < 0.7
    first = [generator_of(kind, 0, 0, 0).random() for kind in KINDS]
    assert len(set(first)) == len(KINDS)


def test_at_every_ratio_the_same_noise_only_larger(some):
    beats, rows = some
    faint, loud = (noisy(beats, rows, "muscle", level) - beats.x for level in (26, 6))
    np.testing.assert_allclose(10 * faint, loud, atol=1e-12)


def test_unknown_noise_is_refused_by_name():
    with pytest.raises(UserError, match=r'no kind of noise "thunder".*wander, muscle, motion'):
        beat_noise("thunder", np.array([100]), np.array([0]))


def test_unit_noise_has_mean_0_and_rms_1_where_it_varies():
    np.testing.assert_allclose(unit(np.array([1.0, 3.0])), [-1, 1])
    np.testing.assert_array_equal(unit(np.full(3, 7.0)), 0)
