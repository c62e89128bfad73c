"""Which beats of a long recording are searched, and that a part of the search is a part of the whole."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nsr_core.errors import UserError
from nsr_core.recordings import pieces
from nsr_core.recordings.beats import cut_recording
from nsr_core.recordings.reading import not_searched, read_recording_beats, read_with, search_more
from nsr_core.recordings.report import report_pdf
from nsr_core.recordings.sample import LEAD_NAME, sample_recording
from nsr_core.recordings.search import OF_A_LONG_ONE, choose, likely_flips, usual_search
from nsr_core.training.checkpoint import load_checkpoint
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def checkpoint():
    return load_checkpoint(REPOSITORY / "checkpoints" / "mlp-ce")


@pytest.fixture(scope="module")
def cut():
    return cut_recording(sample_recording(), LEAD_NAME, stop_s=45.0)


@pytest.fixture(scope="module")
def whole(checkpoint, cut):
    torch.set_num_threads(1)  # made before the fixture that sees to it
    return read_with(checkpoint, cut)


@settings(max_examples=30, deadline=None)
@given(search=st.integers(1, 80))
def test_half_is_spread_evenly_and_the_rest_is_the_likely_most_fragile(checkpoint, cut, search):
    chosen, count = choose(checkpoint.network, cut.beats, search), len(cut.beats)
    assert len(chosen.rows) == min(search, count)
    assert len(chosen.rows) == len(chosen.fragile) + len(chosen.evenly)
    if search >= count:
        assert chosen.evenly.tolist() == list(range(count))
        return
    apart = np.diff([*chosen.evenly, count])
    assert apart.max() - apart.min() <= 1 + (chosen.evenly[0] != 0)
    likely = likely_flips(checkpoint.network, cut.beats)
    left = np.setdiff1d(np.arange(count), chosen.rows)
    if len(chosen.fragile):
        assert likely[chosen.fragile].max() <= likely[left].min()


@pytest.mark.parametrize("search", [1, 7, 24])
def test_a_part_of_the_search_finds_what_the_whole_search_finds_there(checkpoint, cut, whole, search):
    part = read_with(checkpoint, cut, search=search)
    assert part.searched.sum() == search
    np.testing.assert_allclose(part.flips_at[part.searched], whole.flips_at[part.searched], rtol=1e-3)
    assert np.isnan(part.flips_at[~part.searched]).all()
    np.testing.assert_array_equal(part.probability, whole.probability)
    np.testing.assert_array_equal(part.stands_over, whole.stands_over)


def test_the_rest_on_demand_ends_as_the_whole_search(checkpoint, cut, whole):
    reading = read_with(checkpoint, cut, search=10)
    first = reading.searched
    left = not_searched(checkpoint, cut, reading)
    reading = search_more(checkpoint, cut, reading, left[:20])
    assert (reading.searched & first).sum() == 10
    assert (reading.searched.sum(), reading.evenly.sum()) == (30, 5)
    reading = search_more(checkpoint, cut, reading, left[20:])
    assert reading.searched.all()
    assert reading.evenly.all()
    np.testing.assert_allclose(reading.flips_at, whole.flips_at, rtol=1e-3)


def test_the_likely_flip_of_a_linear_network_is_its_flip():
    """Between two classes whose logits differ by 3 sum(x) - 1 over 2 samples: (3 * 0.9 - 1) / 6."""

    class Linear(torch.nn.Module):
        def forward(self, x):
            margin = 3 * x.sum(1) - 1
            return torch.stack([margin, margin * 0, *[margin * 0 - 9] * 3], 1)

    beats = cut_recording(sample_recording(), LEAD_NAME, stop_s=4.0).beats[:1]
    x = np.zeros_like(beats.x)
    x[0, :2] = 0.4, 0.5
    two = replace(beats, x=x, length=np.array([2], np.int16))
    assert likely_flips(Linear(), two) == pytest.approx([1.7 / 6], rel=1e-5)


def test_counts_of_what_was_searched_agree_wherever_they_stand(checkpoint, cut):
    result = read_recording_beats(cut, [checkpoint], search=4, prove=True)
    reading, table, count = result.networks["mlp-ce"], result.table(), len(cut.row)
    assert table["mlp-ce searched"].sum() == reading.searched.sum() == 4
    assert table["mlp-ce searched"].notna().sum() == count
    unsearched = table[table["mlp-ce searched"].eq(False)]
    assert len(unsearched) == count - 4
    levels = ["flips at", "flips at mV", "proved to", "proved for all cuts", "proved for all cuts mV"]
    assert unsearched[[f"mlp-ce {level}" for level in levels]].isna().all(axis=None)
    assert unsearched[["mlp-ce class", "mlp-ce p", "mlp-ce stands over"]].notna().all(axis=None)
    assert result.facts()["searched"] == {"mlp-ce": {"beats": 4, "evenly": 2, "of": count}}
    words = f"Smallest noise searched for 4 of {count} beats: the 2 that look most fragile and 2 spread evenly."
    assert result.search_in_words("mlp-ce") == words
    noise = np.nan_to_num(result.noise("mlp-ce")[reading.evenly], nan=np.inf)
    assert result.median_noise("mlp-ce") == np.median(noise)
    assert report_pdf(result, {"mlp-ce": "MLP"}, 0.0).startswith(b"%PDF")
    assert sum(row["mlp-ce searched"] is True for row in result.to_json()["rows"]) == 4


def test_two_hours_are_searched_whole_and_of_more_a_part():
    assert usual_search(7200.0) == usual_search(7200.5) == "all"
    assert usual_search(7300.0) == OF_A_LONG_ONE
    assert pieces.WHOLE_SECONDS > 7200


def test_no_beat_at_all_cannot_be_searched(checkpoint, cut):
    with pytest.raises(UserError, match="cannot be searched for 0 beats"):
        read_with(checkpoint, cut, search=0)
