"""How unlike the training beats a beat is: the distance by hand, what is called unlike, and how it was fitted."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nsr_core.data import make_split
from nsr_core.data.beats import BEAT_LENGTH, Beats, signal_mask
from nsr_core.data.demo import MEAN_STEPS, POINTS, Templates, load_templates, to_points
from nsr_core.recordings.likeness import (
    DIRECTIONS,
    LEVELS,
    USUAL,
    Likeness,
    _equal_priors,
    distances,
    fit_likeness,
    load_likeness,
    shapeless,
    unlike,
)


def templates_of(*means, label=None):
    """Clusters with these means, each (128,) in 0 ... 255."""
    count = len(means)
    nothing = np.zeros((count, 5), np.int16)
    return Templates(
        label=np.zeros(count, np.uint8) if label is None else np.array(label, np.uint8),
        count=np.full(count, 20, np.uint16),
        mean=np.array(means, np.uint8),
        length=nothing.astype(np.uint8),
        mv_min_uv=nothing,
        mv_range_uv=nothing,
    )


def beats_of(points, y=None) -> Beats:
    """Beats of 128 samples: as many as a cluster has points, so that nothing is stretched."""
    count = len(points)
    x = np.zeros((count, BEAT_LENGTH), np.float32)
    x[:, :POINTS] = points
    column = np.zeros(count, np.float32)
    return Beats(
        x=x,
        y=np.zeros(count, np.int64) if y is None else np.asarray(y),
        length=np.full(count, POINTS, np.int16),
        record=np.full(count, "made"),
        sample=np.arange(count),
        lead=np.full(count, "II"),
        mv_min=column,
        mv_max=column + 1,
        cut_short=np.zeros(count, bool),
        truncated=np.zeros(count, bool),
        source="own",
    )


@pytest.fixture
def made():
    """A likeness with directions of its own and quantiles 0 ... 1 times 5."""
    rng = np.random.default_rng(0)
    directions = np.linalg.qr(rng.standard_normal((POINTS, DIRECTIONS)))[0].T
    return Likeness(
        directions=directions.astype(np.float32),
        variance=np.linspace(1.0, 0.2, DIRECTIONS, dtype=np.float32),
        rest=np.array([0.01], np.float32),
        quantiles=(5 * LEVELS).astype(np.float32),
        split="made",
    )


# The distance


def test_the_distance_is_mahalanobis_with_the_full_covariance(made):
    """sqrt(min over clusters of r' C^-1 r / 128), C = sum of v d d' along the directions and 0.01 across all others."""
    rng = np.random.default_rng(1)
    means = rng.integers(0, 256, (3, POINTS))
    points = rng.random((20, POINTS)).astype(np.float32)
    directions = made.directions.astype(np.float64)
    across = np.eye(POINTS) - directions.T @ directions
    covariance = directions.T @ np.diag(made.variance.astype(np.float64)) @ directions + 0.01 * across
    residual = points[:, None].astype(np.float64) - means / MEAN_STEPS
    squared = np.einsum("bmi,ij,bmj->bm", residual, np.linalg.inv(covariance), residual)
    expected = np.sqrt(squared.min(axis=1) / POINTS)
    assert len(set(squared.argmin(axis=1).tolist())) > 1
    result = distances(made, beats_of(points), templates_of(*means))
    np.testing.assert_allclose(result, expected, rtol=1e-4)


def test_a_beat_like_a_cluster_s_mean_is_at_0_and_each_standard_deviation_adds(made):
    """k deviations along one direction are a distance of k / sqrt(128), whatever its variance."""
    mean = np.full(POINTS, 128)
    away = 2 * np.sqrt(made.variance)[:, None] * made.directions
    result = distances(made, beats_of(np.vstack([np.zeros(POINTS), away]) + 128 / MEAN_STEPS), templates_of(mean))
    assert result[0] == pytest.approx(0, abs=1e-4)
    np.testing.assert_allclose(result[1:], 2 / np.sqrt(POINTS), rtol=1e-4)


def test_the_nearest_cluster_counts_whatever_its_class(made):
    low, high = np.full(POINTS, 20), np.full(POINTS, 200)
    one = distances(made, beats_of([high / MEAN_STEPS]), templates_of(low))
    two = distances(made, beats_of([high / MEAN_STEPS]), templates_of(low, high, label=[0, 4]))
    assert two[0] == pytest.approx(0, abs=1e-4)
    assert one[0] > 1


def test_only_the_signal_counts_and_its_length_does_not(made):
    """A line from 0 to 1 over 40, 128 or 187 samples becomes the same 128 points; the padding may hold anything."""
    ramp = templates_of(np.rint(np.linspace(0, 255, POINTS)))
    beats = beats_of(np.zeros((3, POINTS)))
    length = np.array([40, 128, 187], np.int16)
    x = np.full((3, BEAT_LENGTH), 0.77, np.float32)
    for row, count in zip(x, length, strict=True):
        row[:count] = np.linspace(0, 1, count)
    result = distances(made, replace(beats, x=x, length=length), ramp)
    np.testing.assert_allclose(result, result[1], atol=1e-3)
    assert result.max() < 0.02


@pytest.mark.parametrize("length", [1, 2])
def test_a_beat_of_a_sample_or_two_has_a_distance(length):
    beats = replace(beats_of(np.zeros((1, POINTS))), length=np.array([length], np.int16))
    assert np.isfinite(distances(load_likeness(), beats)).all()


def test_no_beats_have_no_distances():
    assert distances(load_likeness(), beats_of(np.zeros((0, POINTS)))).shape == (0,)


# What is called unlike


def test_the_limit_is_the_distance_that_99_of_100_validation_beats_stay_below(made):
    assert made.limit == pytest.approx(5 * USUAL)
    steep = replace(made, quantiles=np.where(LEVELS < USUAL, 1, np.where(LEVELS > USUAL, 9, 2)).astype(np.float32))
    assert steep.limit == 2.0


def test_the_levels_are_hundredths_and_at_the_end_thousandths():
    assert LEVELS[[0, 1, 98, 99, 100, -1]].tolist() == [0, 0.01, 0.98, 0.99, 0.991, 1]
    assert len(LEVELS) == 110
    assert (np.diff(LEVELS) > 0).all()


def share_unlike(beats):
    return unlike(load_likeness(), beats).mean()


def test_demo_beats_are_like_and_noise_and_reversed_beats_are_not(demo_beats):
    """Of 1,000 each: no demo beat, all beats of white noise, four of five beats that run backwards."""
    signal = signal_mask(demo_beats.length)
    noise = np.random.default_rng(0).random(demo_beats.x.shape).astype(np.float32) * signal
    backwards = np.zeros_like(demo_beats.x)
    for to, x, length in zip(backwards, demo_beats.x, demo_beats.length, strict=True):
        to[:length] = x[:length][::-1]
    assert share_unlike(demo_beats) < 0.01
    assert share_unlike(replace(demo_beats, x=noise)) == 1
    assert share_unlike(replace(demo_beats, x=backwards)) > 0.75


def scaled(signal):
    """(187,) a signal of up to 187 samples in [0, 1], padded with zeros."""
    row = np.zeros(BEAT_LENGTH)
    row[: len(signal)] = (signal - signal.min()) / (np.ptp(signal) or 1)
    return row


@settings(max_examples=200, deadline=None)
@given(st.integers(4, BEAT_LENGTH), st.sampled_from([-1, 1]), st.integers(6, 300), st.integers(0, 300))
def test_a_counter_is_never_like_a_beat(length, sign, starts_again, first):
    """Whatever its length, whether it climbs or falls, and when it starts again; three samples, one step up and one down, are none."""
    counter = sign * ((first + np.arange(length)) % starts_again)
    assert shapeless(scaled(counter)[None].astype(np.float32), np.array([length])).all()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=BEAT_LENGTH), st.sampled_from([-1, 1]))
def test_what_only_rises_or_falls_is_never_like_a_beat(steps, sign):
    """Lines, ramps, stairs, and a line that does not move."""
    assert shapeless(scaled(sign * np.cumsum(steps))[None].astype(np.float32), np.array([len(steps)])).all()


def test_real_and_demo_beats_have_a_shape(demo_beats):
    assert shapeless(demo_beats.x, demo_beats.length).mean() < 0.01


# The fit


def test_every_class_counts_the_same():
    """Of classes 0 and 3 each has a half, shared by its beats."""
    weight = _equal_priors(np.array([0, 0, 0, 3]))
    assert weight.tolist() == pytest.approx([1 / 6, 1 / 6, 1 / 6, 1 / 2])


def test_what_ships_is_a_covariance_and_its_quantiles():
    shipped = load_likeness()
    np.testing.assert_allclose(shipped.directions @ shipped.directions.T, np.eye(DIRECTIONS), atol=1e-5)
    assert (np.diff(shipped.variance) < 0).all()
    assert shipped.variance[-1] > shipped.rest[0] > 0
    assert shipped.quantiles.shape == LEVELS.shape
    assert (np.diff(shipped.quantiles) >= 0).all()


def test_it_is_kept_and_read_as_it_is(made, tmp_path):
    made.save(tmp_path / "kept.npz")
    with np.load(tmp_path / "kept.npz") as stored:
        assert set(stored.files) == set(vars(made))
        assert str(stored["split"]) == "made"
        np.testing.assert_array_equal(stored["quantiles"], made.quantiles)


def test_fitting_to_demo_beats_finds_the_directions_in_which_they_differ(demo_beats, demo_split):
    """Independently: the weighted covariance of what is left of each beat after its own class's nearest mean."""
    fitted = fit_likeness(demo_beats, demo_split.train, demo_split.validation, "demo")
    templates, own = load_templates(), demo_beats[demo_split.train]
    points = to_points(own.x, own.length)
    residual = []
    for row, label in zip(points, own.y, strict=True):
        means = templates.mean[templates.label == label] / MEAN_STEPS
        residual.append(row - means[((row - means) ** 2).sum(axis=1).argmin()])
    covariance = np.mean([np.outer(row, row) for row in residual], axis=0)  # as many beats of each class
    along = np.einsum("ki,ij,kj->k", fitted.directions, covariance, fitted.directions)
    np.testing.assert_allclose(fitted.variance, along, rtol=1e-3)
    rest = (np.trace(covariance) - along.sum()) / (POINTS - DIRECTIONS)
    assert fitted.rest[0] == pytest.approx(rest, rel=1e-3)
    largest = np.linalg.eigvalsh(covariance)[: -DIRECTIONS - 1 : -1]
    np.testing.assert_allclose(fitted.variance, largest, rtol=1e-3)
    held_out = np.sort(distances(fitted, demo_beats[demo_split.validation]))
    assert fitted.quantiles[[0, -1]] == pytest.approx(held_out[[0, -1]])
    assert (held_out <= fitted.limit).mean() == pytest.approx(USUAL, abs=1 / len(held_out))


def test_fitting_to_the_real_records_gives_what_ships(real_beats):
    """About one validation beat in a hundred, each class counting the same, lies beyond the limit."""
    split = make_split(real_beats, "beat")
    fitted, shipped = fit_likeness(real_beats, split.train, split.validation, split.fingerprint), load_likeness()
    assert fitted.split == shipped.split == split.fingerprint
    np.testing.assert_allclose(fitted.variance, shipped.variance, rtol=1e-3)
    np.testing.assert_allclose(fitted.rest, shipped.rest, rtol=1e-3)
    np.testing.assert_allclose(fitted.quantiles, shipped.quantiles, rtol=1e-3)
    same = np.abs((fitted.directions * shipped.directions).sum(axis=1))
    np.testing.assert_allclose(same, 1, atol=1e-3)
    held_out = real_beats[split.validation]
    beyond = distances(shipped, held_out) > shipped.limit
    share = np.mean([beyond[held_out.y == label].mean() for label in range(5)])
    assert share == pytest.approx(1 - USUAL, abs=0.002)
