"""FGSM and PGD step by step."""

import numpy as np
import torch
from lessontoys import EPS, SEEN, rows_read_correctly, straight_mlp

from nsr_core import lesson
from nsr_core.attacks import FGSM, Box
from nsr_core.beat.attack import attack_beat
from nsr_core.evaluation.rows import as_tensors, read_correctly
from nsr_core.lesson.climbing import fgsm_point


def test_fgsm_and_pgd_agree_where_nothing_bends(middling):
    """On a straight network the gradient's sign is the same everywhere, so both end in the same corner."""
    difference = torch.randn(SEEN, generator=torch.Generator().manual_seed(2))
    model = straight_mlp(difference, offset=10.0)
    result = lesson.climbs(model, middling, 0, EPS)
    np.testing.assert_allclose(result.pgd_loss[:11], result.fgsm_loss, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(result.pgd_loss[10:], result.fgsm_loss[-1], rtol=1e-3, atol=1e-6)


def test_the_lessons_climb_is_the_attack_until_it_stops(trained, demo_beats):
    row = rows_read_correctly(trained.network, demo_beats)[1]
    result = attack_beat(trained, lesson.lesson_pgd(EPS), demo_beats, row, EPS, signal_only=True)
    climbs = lesson.climbs(trained.network, demo_beats, row, EPS)
    np.testing.assert_allclose(result.path.loss, climbs.pgd_loss[: len(result.path.loss)], rtol=1e-3, atol=1e-5)


def test_fgsm_s_point_is_that_of_the_attack_where_the_beat_is_read_correctly(network, demo_beats):
    """The attack returns a misread beat as it is; the lesson moves that one too."""
    rows = np.array(rows_read_correctly(network, demo_beats, 20))
    misread = np.flatnonzero(~read_correctly(network, demo_beats, np.arange(len(demo_beats))))[:1]
    x, y, length = as_tensors(demo_beats, np.append(rows, misread))
    mine = fgsm_point(network, x, y, Box.around(x, EPS, length))
    theirs = FGSM()(network, x, y, EPS, length=length).x_adv
    torch.testing.assert_close(mine[:-1], theirs[:-1], rtol=0, atol=1e-6)
    assert (theirs[-1] == x[-1]).all()
    assert (mine[-1] != x[-1]).any()
