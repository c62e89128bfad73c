"""The straight line: exact up to the first switch."""

import numpy as np
import pytest
import torch
import toys
from lessontoys import SEEN, rows_read_correctly, straight_mlp

from nsr_core import lesson
from nsr_core.attacks import Box
from nsr_core.errors import UserError
from nsr_core.evaluation.rows import as_tensors
from nsr_core.lesson.climbing import fgsm_point
from nsr_core.lesson.units import first_switch, units_on


def test_a_straight_network_never_leaves_its_line(middling):
    difference = torch.randn(SEEN, generator=torch.Generator().manual_seed(3))
    result = lesson.straight_line(straight_mlp(difference, offset=1.0), middling, 1)
    assert result.first_switch == np.inf
    assert (result.switched == 0).all()
    np.testing.assert_allclose(result.z, result.line, atol=1e-4)


def test_the_line_is_exact_up_to_the_first_switch_and_not_for_ever(network, demo_beats):
    for row in rows_read_correctly(network, demo_beats):
        result = lesson.straight_line(network, demo_beats, row)
        before = result.eps < result.first_switch
        assert (result.switched[before] == 0).all()
        np.testing.assert_allclose(result.z[before], result.line[before], rtol=1e-3, atol=1e-4)
        assert result.switched[-1] > 0


def test_the_first_switch_is_where_the_first_unit_switches(network, demo_beats):
    for row in rows_read_correctly(network, demo_beats):
        x, y, length = as_tensors(demo_beats, np.array([row]))
        direction = fgsm_point(network, x, y, Box.around(x, 0.1, length)) - x
        at = first_switch(network, x, direction)
        at_beat = units_on(network, x)
        assert (units_on(network, x + 0.99 * at * direction) == at_beat).all()
        assert (units_on(network, x + 1.01 * at * direction) != at_beat).any()


def test_only_an_mlp_has_units_to_look_into():
    with pytest.raises(UserError, match="Choose an MLP"):
        units_on(toys.fresh("cnn"), torch.zeros(1, 187))
    with pytest.raises(UserError, match="Choose an MLP"):
        units_on(toys.random_linear(), torch.zeros(1, 187))
