"""The lesson's computations: closed forms on linear networks, and what must hold on any."""

import numpy as np
import pandas as pd
import pytest
import torch
import toys

from nsr_core import lesson
from nsr_core.attacks import FGSM, PGD, Box
from nsr_core.beat.attack import attack_beat
from nsr_core.beat.bracket import certified_bracket
from nsr_core.beat.nsr import noise_to_signal
from nsr_core.certificates.search import TOLERANCE
from nsr_core.data import Beats
from nsr_core.errors import UserError
from nsr_core.evaluation.rows import as_tensors, read_correctly
from nsr_core.evaluation.table import outcomes
from nsr_core.lesson.climbing import climb, fgsm_point
from nsr_core.lesson.units import first_switch, units_on
from nsr_core.models import MLP

EPS = 0.05
#: The first so many samples reach the straight network.
SEEN = 128


def straight_mlp(difference: torch.Tensor, offset: float) -> MLP:
    """An MLP whose units are all on within [0, 1]: z_0 = offset, z_1 = difference . x[:128], the others far below."""
    model = MLP()
    with torch.no_grad():
        for layer in model.layers:
            layer.weight.zero_()
            layer.bias.zero_()
        for layer in model.layers[:3]:
            layer.weight[:, :SEEN] = torch.eye(SEEN)
        model.layers[0].bias[:] = 0.5  # on even where the beat is 0; taken off again below
        model.layers[3].weight[0] = difference
        model.layers[3].bias[0] = -0.5 * difference.sum()
        model.layers[4].weight[1, 0] = 1
        model.layers[4].bias[:] = torch.tensor([offset, 0, -1e4, -1e4, -1e4])
    return model.eval()


@pytest.fixture
def network(trained):
    return trained.network


@pytest.fixture
def middling(beats_of) -> Beats:
    """Three beats of class N between 0.3 and 0.7, all 100 signal samples free to move."""
    x = 0.3 + 0.4 * np.random.default_rng(0).random((3, 187), np.float32)
    x[:, 100:] = 0
    return beats_of(x, [0, 0, 0])


def rows_read_correctly(network, beats, count=5) -> list[int]:
    return np.flatnonzero(read_correctly(network, beats, np.arange(len(beats))))[::37][:count].tolist()


# Closed forms


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


def test_fgsm_and_pgd_agree_where_nothing_bends(middling):
    """On a straight network the gradient's sign is the same everywhere, so both end in the same corner."""
    difference = torch.randn(SEEN, generator=torch.Generator().manual_seed(2))
    model = straight_mlp(difference, offset=10.0)
    result = lesson.climbs(model, middling, 0, EPS)
    np.testing.assert_allclose(result.pgd_loss[:11], result.fgsm_loss, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(result.pgd_loss[10:], result.fgsm_loss[-1], rtol=1e-3, atol=1e-6)


def test_a_straight_network_never_leaves_its_line(middling):
    difference = torch.randn(SEEN, generator=torch.Generator().manual_seed(3))
    result = lesson.straight_line(straight_mlp(difference, offset=1.0), middling, 1)
    assert result.first_switch == np.inf
    assert (result.switched == 0).all()
    np.testing.assert_allclose(result.z, result.line, atol=1e-4)


def test_the_parts_of_the_ratio_by_hand(middling):
    """With y = 1: w_1 = d, so ||w||_1 = sum |d|, z = d . x; within the budget only the 100 signal samples count."""
    difference = torch.linspace(-1, 2, SEEN)
    middling.y[:] = 1
    result = lesson.ratios(straight_mlp(difference, offset=-50.0), middling, 0, EPS)
    z = float(difference.double()[:100] @ torch.from_numpy(middling.x[0, :100]).double())
    assert result.z == pytest.approx(z, rel=1e-4)
    assert result.w_l1 == pytest.approx(float(difference.abs().sum()), rel=1e-5)
    assert result.bound == pytest.approx(result.w_l1 * EPS / abs(z), rel=1e-4)
    assert result.allowed == pytest.approx(float(difference[:100].abs().sum()) * EPS / abs(z), rel=1e-4)
    assert result.b == pytest.approx(0, abs=1e-3)
    assert result.eps_at_one == pytest.approx(abs(z) / result.w_l1, rel=1e-4)
    assert result.penalty == pytest.approx(np.log(1 + result.w_l1 / abs(z)), rel=1e-4)


# What holds on any network


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


def test_on_the_line_no_ratio_exceeds_the_one_above_it(network, demo_beats):
    for row in rows_read_correctly(network, demo_beats):
        result = lesson.ratios(network, demo_beats, row, EPS)
        assert result.fgsm_line <= result.allowed * (1 + 1e-5) <= result.bound * (1 + 2e-5)


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


def test_the_lessons_climb_is_the_attack_until_it_stops(trained, demo_beats):
    row = rows_read_correctly(trained.network, demo_beats)[1]
    result = attack_beat(trained, lesson.lesson_pgd(EPS), demo_beats, row, EPS, signal_only=True)
    climbs = lesson.climbs(trained.network, demo_beats, row, EPS)
    np.testing.assert_allclose(result.path.loss, climbs.pgd_loss[: len(result.path.loss)], rtol=1e-3, atol=1e-5)


def test_a_certificate_is_never_above_a_flip(network, demo_beats):
    for row in rows_read_correctly(network, demo_beats, 3):
        result = certified_bracket(network, demo_beats, row, signal_only=True)
        assert result.certified > 0
        x, y, length = as_tensors(demo_beats, np.array([row]))
        box = Box.around(x, result.certified, length)
        noisy = box.random_point(x, 2 * torch.rand(500, 187, generator=torch.Generator().manual_seed(row)) - 1)
        assert (toys.predicted(network, noisy) == int(y)).all()
        assert (toys.predicted(network, climb(network, x, y, box)[:, 0]) == int(y)).all()


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


def test_a_misread_beat_has_nothing_to_lose(network, demo_beats):
    misread = int(np.flatnonzero(~read_correctly(network, demo_beats, np.arange(len(demo_beats))))[0])
    assert not lesson.is_read_correctly(network, demo_beats, misread)
    assert certified_bracket(network, demo_beats, misread).misread


def test_the_teaching_beat_shows_what_it_should(network, demo_beats):
    row = lesson.find_teaching_beat(network, demo_beats, np.arange(len(demo_beats)))
    assert row is not None
    assert lesson.is_read_correctly(network, demo_beats, row)
    result = lesson.climbs(network, demo_beats, row, lesson.lesson_eps(network, demo_beats, row))
    assert result.pgd_class != result.fgsm_class == "NSVFQ"[demo_beats.y[row]]
    assert lesson.find_teaching_beat(network, demo_beats, np.array([], int)) is None


def test_the_median_ratio_is_that_of_the_beats_read_correctly(network, demo_beats):
    rows = np.array(rows_read_correctly(network, demo_beats))
    x, y, _ = as_tensors(demo_beats, rows)
    assert lesson.median_ratio(network, demo_beats, rows) == pytest.approx(
        float(noise_to_signal(network, x, y).bound(1.0).median())
    )
    assert np.isnan(lesson.median_ratio(network, demo_beats, np.array([], int)))


def test_accuracies_start_without_noise(network, demo_beats, demo_split):
    result = lesson.accuracies(network, demo_beats, demo_split.test, PGD(steps=5), (0.05, 0.3))
    share = read_correctly(network, demo_beats, demo_split.test).mean()
    assert result[0] == pytest.approx(share)  # 40 beats of each class
    assert (result[1:] <= result[0]).all()


def test_survivors_are_counted_on_the_beats_that_both_attacks_had(make_table):
    """Beats 0-2 under both, beat 3 under PGD only. PGD breaks 0 at step 3 and 1 at step 50; SPSA breaks 1 and 2."""
    y = [0, 0, 0, 0]
    pgd = make_table([[3, 50, -1, 0]], [[1, 1, 0, 1]], y, y, [0.1])
    spsa = make_table([[-1, 5, 5]], [[0, 1, 1]], y[:3], y[:3], [0.1], attack="spsa")
    table = pd.concat([pgd, spsa], ignore_index=True)
    result = lesson.survivors(table, 0.1)
    assert result.beats == 3
    assert dict(zip(result.attacks, result.left.tolist(), strict=True)) == {
        "pgd1": 3, "pgd5": 2, "pgd20": 2, "pgd100": 1, "spsa": 1, "all": 0,
    }  # fmt: skip
    assert outcomes(table, "pgd").shape[0] == 4
    with pytest.raises(UserError, match=r"no results at noise level 0\.2"):
        lesson.survivors(table, 0.2)


def test_only_an_mlp_has_units_to_look_into():
    with pytest.raises(UserError, match="Choose an MLP"):
        units_on(toys.fresh("cnn"), torch.zeros(1, 187))
    with pytest.raises(UserError, match="Choose an MLP"):
        units_on(toys.random_linear(), torch.zeros(1, 187))
