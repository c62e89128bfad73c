"""What every attack of the table keeps to, whatever the network. A new attack is tested by being listed."""

import numpy as np
import pytest
import torch
import toys

from nsr_core.attacks import ATTACKS, BeatRandomness
from nsr_core.errors import UserError
from nsr_core.models import NETWORKS
from nsr_core.settings import described_fields

EPS = [0.003, 0.1, 0.3]

every_attack = pytest.mark.parametrize("name", ATTACKS)
#: Those that look at the network again and again: they tell each look, keep their points and, but for FGSM, begin by chance.
every_iterative_attack = pytest.mark.parametrize(
    "name",
    [name for name, attack in ATTACKS.items() if name == "fgsm" or {"steps", "draws"} & {*described_fields(attack)}],
)
every_network = pytest.mark.parametrize("network", NETWORKS)


@pytest.fixture
def attack(name):
    return toys.short(ATTACKS[name])


def chance(rows, seed=0):
    return BeatRandomness(seed, np.asarray(rows))


def excess(x, x_adv, eps):
    """The largest noise beyond the budget, in float64 and so exact for float32 beats."""
    allowed = torch.as_tensor(eps, dtype=torch.float64).reshape(-1, 1)
    return float(((x_adv.double() - x.double()).abs() - allowed).max())


@every_attack
@every_network
@pytest.mark.parametrize("batch", [1, 3, 8])
def test_the_noise_stays_in_the_budget(attack, network, batch):
    model = toys.fresh(network)
    x, _ = toys.random_beats(batch)
    y = toys.predicted(model, x)
    for eps in EPS:
        result = attack(model, x, y, eps)
        assert result.x_adv.shape == x.shape
        assert result.x_adv.dtype == x.dtype
        assert result.step.shape == result.queries.shape == y.shape
        assert result.step.dtype == result.queries.dtype == torch.int64
        assert excess(x, result.x_adv, eps) <= 0
        assert float(result.x_adv.min()) >= 0
        assert float(result.x_adv.max()) <= 1


@every_attack
@every_network
def test_each_beat_may_have_its_own_budget(attack, network):
    """And its result is that of a batch with this budget for all."""
    model = toys.fresh(network, dtype=torch.float64)
    x, _ = toys.random_beats(4, dtype=torch.float64)
    y = toys.predicted(model, x)
    eps = torch.tensor([0.0, 0.01, 0.1, 0.5], dtype=torch.float64)
    result = attack(model, x, y, eps)
    assert excess(x, result.x_adv, eps) <= 0
    for row in range(4):
        alike = attack(model, x, y, float(eps[row]))
        assert result.step[row] == alike.step[row]
        torch.testing.assert_close(result.x_adv[row], alike.x_adv[row], rtol=0, atol=1e-9)


@every_attack
@every_network
def test_a_budget_of_nothing_changes_nothing(attack, network):
    model = toys.fresh(network)
    x, _ = toys.random_beats(3)
    y = toys.predicted(model, x)
    result = attack(model, x, y, 0.0)
    assert torch.equal(result.x_adv, x)
    assert result.step.tolist() == [-1, -1, -1]


@every_attack
@every_network
def test_with_a_length_the_padding_stays(attack, network):
    model = toys.fresh(network)
    x, length = toys.random_beats(8)
    result = attack(model, x, toys.predicted(model, x), 0.1, length=length)
    padding = torch.arange(187) >= length[:, None]
    assert torch.equal(result.x_adv[padding], x[padding])
    assert not torch.equal(result.x_adv, x)
    assert excess(x, result.x_adv, 0.1) <= 0


@every_iterative_attack
@every_network
def test_the_trajectory_tells_the_same_story_as_the_result(attack, network):
    """Points within the budget, the last one the result; who stopped stays; logits and loss are those of the points."""
    model = toys.fresh(network)
    x, _ = toys.random_beats(8)
    y = toys.predicted(model, x)
    y[0] = (y[0] + 1) % 5  # wrong from the start: stops at once
    eps = torch.linspace(0.01, 0.4, 8)
    eps[1] = 0  # too little for any attack
    result = attack(model, x, y, eps, record=True)
    outcome = result.trajectory
    points = len(outcome.x_adv)
    assert outcome.x_adv.shape == (points, 8, 187)
    assert outcome.logits.shape == (points, 8, 5)
    assert outcome.loss.shape == (points, 8)
    assert torch.equal(outcome.x_adv[-1], result.x_adv)
    assert result.step[0] == 0
    assert -1 in result.step.tolist()
    for point in range(points):
        assert excess(x, outcome.x_adv[point], eps) <= 0
        with torch.no_grad():
            torch.testing.assert_close(outcome.logits[point], model(outcome.x_adv[point]), rtol=1e-4, atol=1e-5)
    for beat, step in enumerate(result.step.tolist()):
        wrong = outcome.logits[:, beat].argmax(1) != y[beat]
        if step < 0:
            assert not wrong.any()
        else:
            assert not wrong[:step].any()
            assert wrong[step:].all()
            assert (outcome.x_adv[step:, beat] == outcome.x_adv[step, beat]).all()
            assert (outcome.loss[step:, beat] == outcome.loss[step, beat]).all()


@every_iterative_attack
def test_the_loss_of_the_trajectory_is_what_is_climbed(attack):
    """On z = W x + b with two classes every step uphill is uphill: the loss never falls but for random draws."""
    model = toys.two_class(torch.full((187,), 0.01), offset=50.0)
    x = torch.full((2, 187), 0.5)
    outcome = attack(model, x, torch.zeros(2, dtype=torch.int64), 0.1, record=True).trajectory
    assert torch.isfinite(outcome.loss).all()
    if attack.name != "noise":
        assert (outcome.loss.diff(dim=0) >= -1e-6).all()


@every_attack
def test_recording_changes_nothing_else(attack):
    model = toys.fresh("mlp")
    x, _ = toys.random_beats(8)
    y = toys.predicted(model, x)
    plain, recorded = (attack(model, x, y, 0.1, record=record) for record in (False, True))
    assert plain.trajectory is None
    for field in ("x_adv", "step", "queries"):
        assert torch.equal(getattr(plain, field), getattr(recorded, field))


@every_attack
@every_network
def test_the_step_says_whether_and_the_result_is_misclassified_then(attack, network):
    model = toys.fresh(network)
    x, _ = toys.random_beats(8)
    y = toys.predicted(model, x)
    found = set()
    for eps in EPS:
        result = attack(model, x, y, eps)
        broken = toys.predicted(model, result.x_adv) != y
        assert torch.equal(broken, result.step >= 0)
        found |= set(broken.tolist())
    assert False in found


@every_attack
@every_network
def test_what_is_given_is_left_as_it_was(attack, network):
    model = toys.fresh(network)
    x, length = toys.random_beats(3)
    y = toys.predicted(model, x)
    given = [value.clone() for value in (x, y, length)]
    parameters = [parameter.detach().clone() for parameter in model.parameters()]
    for number, parameter in enumerate(model.parameters()):
        parameter.grad = None if number % 2 else torch.full_like(parameter, 3.0)
    attack(model, x, y, 0.1, length=length)
    assert all(torch.equal(now, before) for now, before in zip((x, y, length), given, strict=True))
    assert not x.requires_grad
    for number, (parameter, before) in enumerate(zip(model.parameters(), parameters, strict=True)):
        assert torch.equal(parameter, before)
        assert parameter.requires_grad
        assert parameter.grad is None if number % 2 else bool((parameter.grad == 3.0).all())


@every_attack
@every_network
def test_a_frozen_network_can_be_attacked(attack, network):
    """Checkpoints are loaded with requires_grad off."""
    free, frozen = toys.fresh(network), toys.fresh(network).requires_grad_(False)
    x, _ = toys.random_beats(3)
    y = toys.predicted(free, x)
    assert torch.equal(attack(free, x, y, 0.1).x_adv, attack(frozen, x, y, 0.1).x_adv)


@every_attack
def test_wrong_arguments_are_refused(attack):
    model = toys.fresh("mlp")
    x, length = toys.random_beats(3)
    y = torch.zeros(3, dtype=torch.int64)

    def with_sample(value):
        changed = x.clone()
        changed[1, 7] = value
        return changed

    refused = [
        ((x[0], y, 0.1), {}, "shape"),
        ((x[None], y, 0.1), {}, "shape"),
        ((x, y[:2], 0.1), {}, "shape"),
        ((x, y[:, None], 0.1), {}, "shape"),
        ((x, y, torch.full((2,), 0.1)), {}, "eps has shape"),
        ((x, y, torch.full((3, 1), 0.1)), {}, "eps has shape"),
        ((x, y, -0.1), {}, "eps must be 0 or more"),
        ((x, y, torch.tensor([0.1, -0.1, 0.1])), {}, "eps must be 0 or more"),
        ((x, y, float("nan")), {}, "eps must be 0 or more"),
        ((x, y, float("inf")), {}, "eps must be 0 or more"),
        ((x, y, 0.1), {"length": length[:2]}, "length has shape"),
        ((x, y + 5, 0.1), {}, r"y spans \[5, 5\]; expected classes from 0 to 4"),
        ((x, y - 1, 0.1), {}, r"y spans \[-1, -1\]"),
        ((x, y.float(), 0.1), {}, "y is of torch.float32"),
        ((x, y.int(), 0.1), {}, "y is of torch.int32"),
        ((x.int(), y, 0.1), {}, "x is of torch.int32"),
        ((x, y, 0.1), {"length": length.double()}, "length is of torch.float64"),
        ((with_sample(float("nan")), y, 0.1), {}, "x spans"),
        ((with_sample(-1e-3), y, 0.1), {}, "x spans"),
        ((with_sample(1.001), y, 0.1), {}, "x spans"),
    ]
    for arguments, options, message in refused:
        with pytest.raises(UserError, match=message):
            attack(model, *arguments, **options)


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_out_of_range_is_refused(seed):
    with pytest.raises(UserError, match=f"The seed is {seed}; expected a whole number from 0 to 18446744073709551615"):
        chance(range(3), seed)
    assert chance(range(3), 2**64 - 1).uniform(187).shape == (3, 187)


@every_attack
@every_network
def test_a_network_in_training_mode_is_refused(attack, network):
    x, _ = toys.random_beats(1)
    with pytest.raises(ValueError, match="training mode"):
        attack(toys.fresh(network).train(), x, torch.zeros(1, dtype=torch.int64), 0.1)


@every_attack
@every_network
def test_the_same_seed_gives_the_same_result(attack, network):
    model = toys.fresh(network)
    x, _ = toys.random_beats(4)
    y = toys.predicted(model, x)
    first, again = (attack(model, x, y, 0.05, randomness=chance(range(4), 1)) for _ in range(2))
    for field in ("x_adv", "step", "queries"):
        assert torch.equal(getattr(first, field), getattr(again, field))


@every_iterative_attack
@every_network
def test_another_seed_gives_another_result(attack, network):
    model = toys.fresh(network)
    x, _ = toys.random_beats(4)
    y = toys.predicted(model, x)
    first, other = (attack(model, x, y, 0.05, randomness=chance(range(4), seed)) for seed in (1, 2))
    assert torch.equal(first.x_adv, other.x_adv) == (attack.name == "fgsm")


@every_attack
def test_no_randomness_given_means_seed_0_and_beats_in_order(attack):
    model = toys.fresh("mlp")
    x, _ = toys.random_beats(3)
    y = toys.predicted(model, x)
    assert torch.equal(attack(model, x, y, 0.1).x_adv, attack(model, x, y, 0.1, randomness=chance(range(3))).x_adv)


@every_attack
def test_a_beat_fares_alike_alone_in_a_batch_and_in_any_order(attack):
    """Float64, where the rounding of another batch shape turns no sign."""
    model = toys.fresh("mlp", dtype=torch.float64)
    x, _ = toys.random_beats(8, dtype=torch.float64)
    y = toys.predicted(model, x)
    y[2] = (y[2] + 1) % 5
    rows = np.array([40, 7, 12, 3, 99, 1000, 0, 5])
    whole = attack(model, x, y, 0.08, randomness=chance(rows))
    assert len(set(whole.step.tolist())) > 1
    order = np.random.default_rng(0).permutation(8)
    for picked in [order, *([row] for row in range(8)), [3, 5, 6]]:
        part = attack(model, x[picked], y[picked], 0.08, randomness=chance(rows[picked]))
        assert torch.equal(part.step, whole.step[picked])
        assert torch.equal(part.queries, whole.queries[picked])
        torch.testing.assert_close(part.x_adv, whole.x_adv[picked], rtol=0, atol=1e-9)


@every_attack
def test_an_empty_batch_is_attacked_in_vain(attack):
    result = attack(toys.fresh("mlp"), torch.zeros(0, 187), torch.zeros(0, dtype=torch.int64), 0.1)
    assert len(result.x_adv) == len(result.step) == len(result.queries) == 0


@every_iterative_attack
@every_network
def test_queries_are_the_rows_that_the_network_saw(attack, network):
    """One for each look; SPSA's samples for each step besides. Counted for one beat, where batches hide nothing."""
    model = toys.fresh(network)
    x, _ = toys.random_beats(6)
    y = toys.predicted(model, x)
    per_step = attack.samples if attack.name == "spsa" else 0
    whole = attack(model, x, y, 0.05)
    for row in range(6):
        with toys.rows_forwarded(model) as seen:
            one = attack(model, x[row : row + 1], y[row : row + 1], 0.05, randomness=chance([row]))
        most = getattr(attack, "steps", {"fgsm": 1, "noise": getattr(attack, "draws", 1) - 1}.get(attack.name))
        steps = most if one.step < 0 else int(one.step)
        assert int(one.queries) == steps + 1 + per_step * steps
        assert int(one.queries) == int(whole.queries[row])
        if network == "cnn":  # around a beat, the MLP goes past its last layer
            assert sum(seen) == int(one.queries)


# Progress


@every_iterative_attack
@every_network
def test_every_look_at_the_network_is_told(attack, network):
    """Step 0, 1, ... of as many as there may be, up to the step at which the last beat gave way or the attack ended."""
    model = toys.fresh(network)
    x, _ = toys.random_beats(8)
    y = toys.predicted(model, x)
    most = {"fgsm": 1, "noise": getattr(attack, "draws", 1) - 1}.get(attack.name, getattr(attack, "steps", None))
    for eps in EPS:
        heard = []
        result = attack(model, x, y, eps, progress=lambda done, total, what, heard=heard: heard.append((done, total)))
        last = most if -1 in result.step.tolist() else int(result.step.max())
        assert heard == [(step, most) for step in range(last + 1)]


@every_iterative_attack
def test_all_beats_broken_is_the_last_that_is_told(attack):
    """A batch that is wrong from the start has one look."""
    model = toys.fresh("mlp")
    x, _ = toys.random_beats(3)
    heard = []
    attack(model, x, (toys.predicted(model, x) + 1) % 5, 0.0, progress=lambda *report: heard.append(report))
    assert [done for done, _, _ in heard] == [0]


@every_iterative_attack
def test_listening_changes_nothing(attack):
    model = toys.fresh("mlp")
    x, _ = toys.random_beats(8)
    y = toys.predicted(model, x)
    for record in (False, True):
        silent = attack(model, x, y, 0.1, record=record)
        heard = []
        listened = attack(model, x, y, 0.1, record=record, progress=lambda *report, heard=heard: heard.append(report))
        assert len(heard) > 1
        for field in ("x_adv", "step", "queries"):
            assert torch.equal(getattr(silent, field), getattr(listened, field))
        if record:
            for field in ("x_adv", "logits", "loss"):
                assert torch.equal(getattr(silent.trajectory, field), getattr(listened.trajectory, field))


class Stop(Exception):
    pass


@every_iterative_attack
@every_network
def test_raising_from_progress_stops_the_attack_there(attack, network):
    """The exception comes out as it was raised, and the network has not been looked at again."""
    model = toys.fresh(network)
    x, _ = toys.random_beats(3)
    y = toys.predicted(model, x)
    for last in (0, 1):
        heard, raised = [], Stop()

        def stop_at(done, total, what, heard=heard, raised=raised, last=last):
            heard.append(done)
            if done == last:
                raise raised

        with toys.rows_forwarded(model) as seen, pytest.raises(Stop) as caught:
            attack(model, x, y, 0.003, progress=stop_at)
        assert caught.value is raised
        assert heard == list(range(last + 1))
        assert bool(seen) == (last > 0)
    # What was stopped has left nothing behind.
    assert torch.equal(attack(model, x, y, 0.1).x_adv, attack(toys.fresh(network), x, y, 0.1).x_adv)
