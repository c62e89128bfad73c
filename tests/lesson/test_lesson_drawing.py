"""Noise that a reader draws: never trusted, brought into the budget, and read as any other noise is."""

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lessontoys import EPS, rows_read_correctly, straight_mlp

from nsr_core import lesson
from nsr_core.errors import UserError

LENGTH = 100
ANYTHING = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)


def test_the_reading_under_noise_is_known_on_a_straight_network(middling):
    """z_1 - z_0 changes by the weights times the noise, and the probabilities with it."""
    weights = torch.zeros(128)
    weights[:5] = torch.tensor([1.0, -2.0, 3.0, 0.0, 4.0])
    noise = np.zeros((2, LENGTH))
    noise[1, :5] = [0.01, 0.02, -0.03, 0.04, 0.005]
    found = lesson.under_noise(straight_mlp(weights, 1.0), middling, 0, noise, EPS)
    lead = middling.x[0, :128] @ weights.numpy() - 1
    change = noise[1, :5] @ weights[:5].numpy()
    assert found.before[0] == pytest.approx(1 / (1 + np.exp(lead)), abs=1e-5)
    assert found.taken == pytest.approx([0, 1 / (1 + np.exp(lead)) - 1 / (1 + np.exp(lead + change))], abs=1e-5)
    assert [found.clean_lead, *found.lead] == pytest.approx([-lead, -lead, -lead - change], abs=1e-4)
    np.testing.assert_array_equal(found.x[0], middling.x[0])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.floats(-1e300, 1e300), min_size=LENGTH, max_size=LENGTH), st.floats(0, 0.3))
def test_whatever_is_drawn_stays_within_the_budget(middling, noise, eps):
    found = lesson.under_noise(straight_mlp(torch.zeros(128), 1.0), middling, 1, np.array([noise]), eps)
    x, clean = found.x[0].astype(np.float64), middling.x[1].astype(np.float64)
    assert np.abs(x - clean).max() <= eps
    assert x.min() >= 0
    assert x.max() <= 1
    np.testing.assert_array_equal(x[LENGTH:], clean[LENGTH:])
    inside = np.clip(clean[:LENGTH] + noise, np.maximum(clean[:LENGTH] - eps, 0), np.minimum(clean[:LENGTH] + eps, 1))
    assert x[:LENGTH] == pytest.approx(inside, abs=1e-6)


def test_what_pgd_and_coins_did_is_judged_the_same(network, demo_beats):
    """Their own noise, given as if it had been drawn, leads to the readings that they report."""
    row = rows_read_correctly(network, demo_beats)[0]
    result = lesson.against_chance(network, demo_beats, row, EPS)
    length = int(demo_beats.length[row])
    noise = (
        np.concatenate([result.x_chosen[None], result.x_coin]).astype(np.float64)[:, :length]
        - demo_beats.x[row, :length]
    )
    found = lesson.under_noise(network, demo_beats, row, noise, EPS)
    assert found.x[0] == pytest.approx(result.x_chosen, abs=1e-6)
    assert found.lead == pytest.approx([result.attack_margin, *result.coin_margin], abs=1e-3)
    assert found.read_as.tolist() == [result.attack_class, *result.coin_class]


@pytest.mark.parametrize("shape", [(LENGTH,), (1, LENGTH + 1), (1, LENGTH - 1), (1, 187)])
def test_noise_of_another_shape_is_refused(middling, shape):
    with pytest.raises(UserError, match=f"{LENGTH} finite numbers"):
        lesson.under_noise(straight_mlp(torch.zeros(128), 1.0), middling, 0, np.zeros(shape), EPS)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_noise_that_is_not_finite_is_refused(middling, value):
    noise = np.zeros((1, LENGTH))
    noise[0, 3] = value
    with pytest.raises(UserError, match="finite"):
        lesson.under_noise(straight_mlp(torch.zeros(128), 1.0), middling, 0, noise, EPS)


@settings(deadline=None)
@given(ANYTHING | st.dictionaries(st.text(max_size=3), ANYTHING) | st.lists(ANYTHING | st.lists(ANYTHING), max_size=6))
def test_what_a_browser_sends_is_a_drawing_or_refused(sent):
    try:
        noise = lesson.noise_from(sent, 3)
    except UserError:
        return
    assert noise.shape == (3,)
    assert (np.abs(noise) <= 1).all()


def test_a_drawing_comes_through_as_it_is():
    assert lesson.noise_from([0.1, -0.05, 0], 3).tolist() == [0.1, -0.05, 0]


@pytest.mark.parametrize("name", lesson.SHAPES)
def test_every_ready_made_shape_keeps_to_shares_of_the_budget(demo_beats, name):
    x = demo_beats.x[5, : demo_beats.length[5]]
    shape = np.asarray(lesson.SHAPES[name](x), float)
    assert shape.shape == x.shape
    assert np.abs(shape).max() == pytest.approx(1, abs=0.01)
