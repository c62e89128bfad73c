"""What is proved, what attacks have shown, and who survives."""

import numpy as np
import pandas as pd
import pytest
import torch
import toys
from lessontoys import SEEN, rows_read_correctly, straight_mlp

from nsr_core import lesson
from nsr_core.attacks import Box
from nsr_core.beat.bracket import certified_bracket
from nsr_core.certificates.search import TOLERANCE
from nsr_core.errors import UserError
from nsr_core.evaluation.rows import as_tensors, read_correctly
from nsr_core.evaluation.table import outcomes
from nsr_core.lesson.climbing import climb


def test_the_certificate_is_exact_where_nothing_bends(middling):
    """z_0 - z_1 = offset - d . x falls by at most eps ||d||_1 over the signal: it reaches 0 at (offset - d . x) / ||d||_1.

    What is proved is never above; below by the search's tolerance, and as much again for the network's rounding.
    """
    difference = torch.randn(SEEN, generator=torch.Generator().manual_seed(1))
    signal = difference[:100].double()
    for row in range(3):
        at_beat = float(signal @ torch.from_numpy(middling.x[row, :100]).double())
        model = straight_mlp(difference, offset=at_beat + 5.0)
        expected = 5.0 / float(signal.abs().sum())
        found = certified_bracket(model, middling, row, signal_only=True)
        assert expected * (1 - 2 * TOLERANCE) <= found.certified <= expected


def test_a_certificate_is_never_above_a_flip(network, demo_beats):
    for row in rows_read_correctly(network, demo_beats, 3):
        result = certified_bracket(network, demo_beats, row, signal_only=True)
        assert result.certified > 0
        x, y, length = as_tensors(demo_beats, np.array([row]))
        box = Box.around(x, result.certified, length)
        noisy = box.random_point(x, 2 * torch.rand(500, 187, generator=torch.Generator().manual_seed(row)) - 1)
        assert (toys.predicted(network, noisy) == int(y)).all()
        assert (toys.predicted(network, climb(network, x, y, box)[:, 0]) == int(y)).all()


def test_a_misread_beat_has_nothing_to_lose(network, demo_beats):
    misread = int(np.flatnonzero(~read_correctly(network, demo_beats, np.arange(len(demo_beats))))[0])
    assert not lesson.is_read_correctly(network, demo_beats, misread)
    assert certified_bracket(network, demo_beats, misread).misread


def test_survivors_are_counted_on_the_beats_that_both_attacks_had(make_table):
    """Beats 0-2 under both, beat 3 under PGD only. PGD breaks 0 at step 3 and 1 at step 50; SPSA breaks 1 and 2."""
    y = [0, 0, 0, 0]
    pgd = make_table([[3, 50, -1, 0]], [[1, 1, 0, 1]], y, y, [0.1])
    spsa = make_table([[-1, 5, 5]], [[0, 1, 1]], y[:3], y[:3], [0.1], attack="spsa")
    table = pd.concat([pgd, spsa], ignore_index=True)
    result = lesson.survivors(table, 0.1)
    assert result.beats == 3
    assert dict(zip(result.attacks, result.left.tolist(), strict=True)) == {
        "pgd1": 3,
        "pgd5": 2,
        "pgd20": 2,
        "pgd100": 1,
        "spsa": 1,
        "all": 0,
    }
    assert outcomes(table, "pgd").shape[0] == 4
    with pytest.raises(UserError, match=r"no results at noise level 0\.2"):
        lesson.survivors(table, 0.2)
