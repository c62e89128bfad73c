"""From attack to proof: bounds below what any noise does, exact where nothing bends, and consistent with the certificate."""

import numpy as np
import pytest
import torch
import toys
from lessontoys import SEEN, rows_read_correctly, straight_mlp

from nsr_core import lesson
from nsr_core.attacks import Box
from nsr_core.beat.bracket import certified_bracket
from nsr_core.errors import UserError
from nsr_core.evaluation.rows import as_tensors


def test_without_noise_all_three_are_the_lead_itself(network, demo_beats):
    for row in rows_read_correctly(network, demo_beats, 3):
        result = lesson.lead_within(network, demo_beats, row)
        x, _, _ = as_tensors(demo_beats, np.array([row]))
        with torch.no_grad():
            first, second = network(x)[0].topk(2).values
        for line in (result.attacked, result.interval, result.crown):
            assert line[0] == pytest.approx(float(first - second), abs=0.02)


def test_bounds_stay_below_every_noise_and_the_tighter_above_the_looser(network, demo_beats):
    for row in rows_read_correctly(network, demo_beats, 3):
        result = lesson.lead_within(network, demo_beats, row)
        assert (result.interval <= result.crown + 1e-9).all()
        assert (result.crown <= result.attacked + 1e-6).all()
        for line in (result.attacked, result.interval, result.crown):
            assert (np.diff(line) <= 1e-9).all(), "more noise only takes more"
        x, y, length = as_tensors(demo_beats, np.full(200, row))
        for at in (10, 30, 60):
            box = Box.around(x, float(result.eps[at]), length)
            points = box.random_point(x, torch.rand(x.shape, generator=torch.Generator().manual_seed(at)))
            with torch.no_grad():
                logits = network(points).double()
            own = logits.gather(1, y[:, None])[:, 0]
            lead = own - logits.scatter(1, y[:, None], -torch.inf).amax(1)
            assert float(lead.min()) >= result.crown[at]


def test_on_a_straight_network_the_bound_is_what_an_attack_reaches(middling):
    """Nothing bends, and the beat keeps away from 0 and 1: the lead falls by eps times the slopes' sum, on both sides."""
    difference = torch.randn(SEEN, generator=torch.Generator().manual_seed(3))
    result = lesson.lead_within(straight_mlp(difference, offset=40.0), middling, 1)
    fall = result.eps * float(difference[:100].abs().sum())
    np.testing.assert_allclose(result.attacked, result.attacked[0] - fall, atol=2e-3)
    np.testing.assert_allclose(result.crown, result.crown[0] - fall, atol=2e-2)


def test_the_proved_level_is_the_certificate_s_to_the_next_level(network, demo_beats):
    step = lesson.BOUNDS_EPS / (lesson.BOUNDS_POINTS - 1)
    for row in rows_read_correctly(network, demo_beats, 3):
        found = certified_bracket(network, demo_beats, row, signal_only=True).certified
        assert lesson.lead_within(network, demo_beats, row).proved == pytest.approx(found, abs=1.1 * step)


def test_a_network_without_bounds_is_refused(demo_beats):
    with pytest.raises(UserError, match="certificate"):
        lesson.lead_within(toys.two_class(torch.zeros(187)), demo_beats, 0)
