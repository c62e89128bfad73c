"""The paper's Figure 8."""

import numpy as np

from nsr_core.paper.growing_noise import FIGURE_8_EPS, noisy_beats


def test_figure_8_attacks_each_noise_level_alone(trained, demo_beats):
    result = noisy_beats(trained, demo_beats, 5)
    assert tuple(one.eps for one in result) == FIGURE_8_EPS
    assert {one.protocol for one in result} == {"paper"}
    np.testing.assert_array_equal(result[0].x_adv, result[0].x)
    assert all(one.largest_noise <= one.eps * (1 + 1e-6) for one in result)
