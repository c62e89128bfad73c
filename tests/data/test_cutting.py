"""The rule from annotations to beats, on signals made by hand."""

import numpy as np
import pytest

from nsr_core.data.cutting import Window, cut_window, find_windows, scale_rows


def test_windows_of_a_row_of_annotations():
    """With d1 and d2 the next two distances, a window is int(d1 + 0.2 d2) samples long.

    + at 20: no beat, no window.          N at 50: int(301 + 0.2 * 237) = int(348.4) = 348, stop 398.
    V at 351: int(237 + 0.2 * 100) = 257, stop 608; the ~ at 588 ends d1, so it is cut short.
    ~ at 588: no beat.                    F at 688: int(300 + 0.2 * 600) = 420, stop 1108.
    / at 988: no second distance, so d2 = d1 = 600: int(720.0) = 720, stop 1708.
    A at 1588: the last annotation, no window.
    """
    samples = np.array([20, 50, 351, 588, 688, 988, 1588])
    assert find_windows(samples, ["+", "N", "V", "~", "F", "/", "A"]) == [
        Window(50, 398, 0, False),
        Window(351, 608, 2, True),
        Window(688, 1108, 3, False),
        Window(988, 1708, 4, False),
    ]


def test_a_mark_after_the_next_beat_does_not_cut_short():
    """Only d2 ends on the mark: int(300 + 0.2 * 50) = 310."""
    assert find_windows(np.array([0, 300, 350]), ["N", "N", "+"])[0] == Window(0, 310, 0, False)


@pytest.mark.parametrize(
    ("symbols", "label"), [("NLRej", 0), ("AaJS", 1), ("VE", 2), ("F", 3), ("/fQ", 4), ('+~|![]xs"', None)]
)
def test_every_symbol_has_its_class(symbols, label):
    for symbol in symbols:
        labels = [window.label for window in find_windows(np.array([0, 300]), [symbol, "N"])]
        assert labels == ([] if label is None else [label])


def test_one_annotation_or_none_gives_no_window():
    assert find_windows(np.array([5]), ["N"]) == []
    assert find_windows(np.array([], int), []) == []


def test_every_third_sample_from_the_annotation_on():
    """Samples 2, 5, 8 of 2 <= i < 11; a window that ends after the signal is what there is: 8, 11."""
    signal = np.arange(12)
    assert cut_window(signal, Window(2, 11, 0, False)).tolist() == [2, 5, 8]
    assert cut_window(signal, Window(8, 99, 0, False)).tolist() == [8, 11]


def test_scaling_uses_the_extremes_it_is_given_and_clears_the_padding():
    """Extremes -1 and 4 over a whole segment: (x + 1) / 5, also where 4 itself was cut off."""
    rows = np.full((1, 187), 99)
    rows[0, :4] = [0, -1, 3, 1]
    scaled = scale_rows(rows, np.array([-1]), np.array([4]), np.array([4]))
    np.testing.assert_allclose(scaled[0, :4], [0.2, 0.0, 0.8, 0.4], rtol=1e-6)
    assert not scaled[0, 4:].any()
    assert scaled.dtype == np.float32
    assert scaled.shape == (1, 187)
