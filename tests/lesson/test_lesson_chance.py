"""Noise of a coin beside the attack's."""

import numpy as np
from lessontoys import EPS, rows_read_correctly

from nsr_core import lesson


def test_no_noise_exceeds_the_budget_or_touches_the_padding(network, demo_beats):
    row = rows_read_correctly(network, demo_beats)[0]
    result = lesson.against_chance(network, demo_beats, row, EPS)
    length = int(demo_beats.length[row])
    for x_adv in (result.x_coin, result.x_chosen[None]):
        assert np.abs(x_adv.astype(float) - demo_beats.x[row]).max() <= EPS
        assert x_adv.min() >= 0
        assert x_adv.max() <= 1
        np.testing.assert_array_equal(
            x_adv[:, length:], np.broadcast_to(demo_beats.x[row, length:], (len(x_adv), 187 - length))
        )
    assert result.flips == (result.coin_class != "NSVFQ"[demo_beats.y[row]]).sum()
    again = lesson.against_chance(network, demo_beats, row, EPS)
    np.testing.assert_array_equal(result.coin_margin, again.coin_margin)
