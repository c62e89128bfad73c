"""The units of an MLP of which all is known: on everywhere within [0, 1], and off where a sample falls below -0.5."""

import numpy as np
import pytest
import torch
from lessontoys import SEEN, straight_mlp

from nsr_core.lesson.units import first_switch, linear_layers, units_on


@pytest.fixture
def network():
    return straight_mlp(torch.zeros(SEEN), 0.0)


def test_the_five_layers_in_order(network):
    assert [layer.out_features for layer in linear_layers(network)] == [128, 128, 128, 32, 5]


def test_all_units_are_on_within_the_range_and_one_of_each_layer_goes_with_its_sample(network):
    x = torch.rand(4, 187, generator=torch.Generator().manual_seed(0))
    assert units_on(network, x).all()
    x[0, 7] = -0.6
    off = (~units_on(network, x)).nonzero().tolist()
    assert off == [[0, 7], [0, SEEN + 7], [0, 2 * SEEN + 7]]


@pytest.mark.parametrize("speed", [1.0, 0.25])
def test_a_unit_switches_where_its_sample_reaches_minus_a_half(network, speed):
    x, direction = torch.full((1, 187), 0.25), torch.zeros(1, 187)
    direction[0, 7] = -speed
    assert first_switch(network, x, direction) == pytest.approx(0.75 / speed)


def test_no_unit_ever_switches_on_the_way_up_or_on_samples_that_are_not_seen(network):
    x, direction = torch.full((1, 187), 0.25), torch.ones(1, 187)
    direction[0, SEEN:] = -1
    assert first_switch(network, x, direction) == np.inf
