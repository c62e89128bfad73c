"""The noise-to-signal ratio: eq. 2 holds exactly, and no noise in the ball exceeds the bound of eq. 9."""

import numpy as np
import pytest
import torch
import toys
from hypothesis import given, settings
from hypothesis import strategies as st

from nsr_core.attacks import FGSM, PGD
from nsr_core.beat.attack import attack_beat, find_beat
from nsr_core.beat.nsr import change_of_true_logit, noise_to_signal
from nsr_core.errors import UserError
from nsr_core.models import NETWORKS


@pytest.mark.parametrize("network", NETWORKS)
def test_the_line_passes_through_the_beat(network):
    """Eq. 2, z_y = w_y x + b_y; and close to the beat, where no unit switches, it is the network itself."""
    model = toys.fresh(network, dtype=torch.float64)
    x, _ = toys.random_beats(5, dtype=torch.float64)
    y = torch.arange(5)
    line = noise_to_signal(model, x, y)
    with torch.no_grad():
        z = model(x)[torch.arange(5), y]
    torch.testing.assert_close(line.z, z)
    torch.testing.assert_close((line.w * x).sum(1) + line.b, z, rtol=1e-12, atol=1e-12)
    nudge = 1e-7 * torch.randn(5, 187, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        near = model(x + nudge)[torch.arange(5), y]
    torch.testing.assert_close((line.w * (x + nudge)).sum(1) + line.b, near, rtol=1e-9, atol=1e-10)
    assert not line.w.requires_grad
    assert all(p.grad is None for p in model.parameters())


def test_by_hand_on_a_linear_network():
    """w_0 = (3, -1, 0, ...), b_0 = 1, x = (0.5, 0.25, ...): z_0 = 1.5 - 0.25 + 1 = 2.25, ||w_0||_1 = 4.

    Eq. 9 at eps 0.1: 4 * 0.1 / 2.25. The noise (0.1, -0.1) reaches |0.3 + 0.1| / 2.25, which is all of it; the noise
    (0.1, 0.1) reaches |0.3 - 0.1| / 2.25.
    """
    weight = torch.zeros(5, 187, dtype=torch.float64)
    weight[0, :2] = torch.tensor([3.0, -1.0])
    model = toys.Linear(weight, torch.tensor([1.0, 0, 0, 0, 0], dtype=torch.float64))
    x = torch.full((1, 187), 0.25, dtype=torch.float64)
    x[0, 0] = 0.5
    y = torch.zeros(1, dtype=torch.int64)
    line = noise_to_signal(model, x, y)
    assert (float(line.z), float(line.b), float(line.w_l1)) == pytest.approx((2.25, 1.0, 4.0))
    assert float(line.bound(0.1)) == pytest.approx(0.4 / 2.25)
    noise = torch.zeros(1, 187, dtype=torch.float64)
    for second, reached in ((-0.1, 0.4), (0.1, 0.2)):
        noise[0, :2] = torch.tensor([0.1, second])
        assert float(line.reached(noise)) == pytest.approx(reached / 2.25)
        assert float(change_of_true_logit(model, x, y, x + noise)) == pytest.approx(reached / 2.25)


@given(seed=st.integers(0, 10_000), eps=st.floats(1e-4, 1.0), corner=st.booleans())
@settings(deadline=None, max_examples=60)
def test_no_noise_in_the_ball_exceeds_the_bound(seed, eps, corner):
    model = toys.random_linear(seed % 7)
    generator = torch.Generator().manual_seed(seed)
    x, _ = toys.random_beats(4, seed, torch.float64)
    noise = eps * (2 * torch.rand(4, 187, generator=generator, dtype=torch.float64) - 1)
    line = noise_to_signal(model, x, torch.arange(4))
    noise = eps * noise.sign() if corner else noise
    assert (line.reached(noise) <= line.bound(eps) * (1 + 1e-12)).all()
    worst = eps * line.w.sign()
    torch.testing.assert_close(line.reached(worst), line.bound(eps))


def test_the_bound_may_be_taken_for_each_beats_own_epsilon():
    model = toys.random_linear()
    x, _ = toys.random_beats(3, dtype=torch.float64)
    line = noise_to_signal(model, x, torch.arange(3))
    eps = torch.tensor([0.0, 0.1, 0.3], dtype=torch.float64)
    for beat in range(3):
        assert float(line.bound(eps)[beat]) == pytest.approx(float(line.bound(float(eps[beat]))[beat]))
    assert float(line.bound(eps)[0]) == 0


# One beat in full


def test_one_beat_told_in_full(trained, demo_beats):
    row = 7
    result = attack_beat(trained, PGD(steps=20), demo_beats, row, 0.1, seed=3)
    assert (result.beat, result.true_class) == ("demo:7", "NSVFQ"[demo_beats.y[row]])
    assert np.array_equal(result.x, demo_beats.x[row])
    assert np.abs(result.x_adv.astype(float) - result.x).max() <= 0.1
    assert result.largest_noise == pytest.approx(np.abs(result.x_adv.astype(float) - result.x).max(), abs=1e-7)
    x_adv = torch.from_numpy(result.x_adv)[None]
    assert result.class_after == "NSVFQ"[int(toys.predicted(trained.network, x_adv))]
    assert result.before.sum() == pytest.approx(1, abs=1e-5)
    assert result.reached_on_line <= result.bound * (1 + 1e-5)
    assert result.bound == pytest.approx(result.w_l1 * 0.1 / abs(result.z), rel=1e-5)
    again = attack_beat(trained, PGD(steps=20), demo_beats, row, 0.1, seed=3)
    assert again.to_json() == result.to_json()
    assert result.to_json()["largest_noise_mv"] == pytest.approx(
        result.largest_noise * demo_beats.mv_range[row], abs=1e-3
    )


def test_one_beats_padding_stays_on_request(trained, demo_beats):
    row = int(demo_beats.length.argmin())
    result = attack_beat(trained, FGSM(), demo_beats, row, 0.2, signal_only=True)
    assert np.array_equal(result.x_adv[result.length :], result.x[result.length :])


def test_a_beat_is_found_by_row_or_name_and_otherwise_not(demo_beats):
    assert find_beat(demo_beats, "12") == find_beat(demo_beats, "demo:12") == 12
    for text in ("1000", "-1", "demo:1000", "nobody:3", "", "first", "1.5", "²", ":"):
        with pytest.raises(UserError, match=r"There is no beat .* 0 to 999, or record:sample such as demo:0"):
            find_beat(demo_beats, text)
