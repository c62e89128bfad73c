"""Branch and bound: small networks whose limits are known, and what it may never contradict."""

import json
from importlib import import_module

import pytest
import tinynets
import torch
import toys

from nsr_core.attacks import PGD, Box
from nsr_core.beat.bracket import BeatBracket
from nsr_core.certificates import certified_eps, guaranteed_margin
from nsr_core.certificates.branch import _Chain, _Search, decide
from nsr_core.certificates.stages import stages_of
from nsr_core.errors import UserError

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_it_ends_at_the_exact_limit_of_a_small_network(seed, known):
    """All 2^6 patterns of a 2-3-3-3 network, each a linear program."""
    network = tinynets.relu_net((2, 3, 3, 3), seed)
    x = torch.rand(2, 2, generator=torch.Generator().manual_seed(100 + seed))
    for row in range(2):
        y = int(toys.predicted(network, x[[row]]))
        exact = tinynets.exact_radius(network, x[row].double().numpy(), y)
        certified = float(certified_eps(network, x[[row]], torch.tensor([y])))
        broken = 1.02 * exact if known and exact < 0.9 else float("nan")
        result = decide(network, x[row], y, certified, broken, seconds=20)
        assert certified <= result.certified <= exact
        assert result.certified >= min(exact, 1) / 1.06
        if result.x_adv is not None:
            assert int(toys.predicted(network, result.x_adv[None])) != y
            assert result.broken == pytest.approx(float((result.x_adv - x[row]).abs().max()), abs=1e-7)
            assert result.broken >= exact - 1e-6


def test_it_proves_more_than_crown_and_no_attack_contradicts_it(trained, demo_beats):
    x, y = torch.from_numpy(demo_beats.x[[0]]), torch.from_numpy(demo_beats.y[[0]])
    eps = 1.01 * float(certified_eps(trained.network, x, y))  # beyond what CROWN proves, by more than its tolerance
    assert float(guaranteed_margin(trained.network, x, y, Box.around(x.double(), eps))) < 0
    search = _Search(trained.network, stages_of(trained.network), x[0], int(y), eps, None)
    assert search.run(float("inf"), lambda: None)
    x_adv = Box.around(x, eps).clip(PGD(steps=100)(trained.network, x, y, eps).x_adv)
    assert torch.equal(toys.predicted(trained.network, x_adv), y)


def test_without_time_the_bracket_stays(trained, demo_beats):
    x, y = torch.from_numpy(demo_beats.x[0]), int(demo_beats.y[0])
    result = decide(trained.network, x, y, 0.001, 0.5, seconds=0)
    assert (result.certified, result.broken, result.x_adv, result.cases) == (0.001, 0.5, None, 0)


@pytest.mark.parametrize("eps", [0.01, 0.1, 0.5])
def test_any_slopes_and_prices_bound_every_point_of_their_case(eps):
    """Signs assumed of some units, slopes and prices drawn: no point with those signs falls below; float32 and float64."""
    network = tinynets.relu_net((3, 6, 5, 3), 1)
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(3, generator=generator)
    y = int(toys.predicted(network, x[None]))

    search = _Search(network, stages_of(network), x, y, eps, None)
    chain: _Chain = search._chains[torch.float64]
    points = Box.around(x[None], eps).clip(x + eps * (2 * torch.rand(20_000, 3, generator=generator) - 1))
    with torch.no_grad():
        first = network[0](points)
        signs = torch.cat([first, network[2](first.relu())], 1).sign()
        z = network(points).double()
    for _ in range(200):
        assumed = torch.where(torch.rand(11, generator=generator) < 0.2, signs[_], 0).to(torch.int8)[None]
        inside = ((signs == assumed) | (assumed == 0)).all(1)
        alpha = torch.rand(1, 11, generator=generator, dtype=torch.float64)
        beta = torch.rand(1, 11, generator=generator, dtype=torch.float64) * (assumed != 0)
        for row in search._rows:
            bound, _, _ = chain.bound(row.double()[None], assumed, alpha, beta)
            assert float(bound) <= float((z[inside] @ row.double()).min())


def test_other_networks_are_refused_in_words():
    with pytest.raises(UserError, match="linear layers in a chain"):
        decide(toys.fresh("cnn"), torch.rand(187), 0, 0.0, 0.1)


def test_the_first_case_is_no_worse_than_crown():
    network = tinynets.relu_net((4, 8, 8, 3), 0)
    x = torch.rand(1, 4, generator=torch.Generator().manual_seed(0))
    y = toys.predicted(network, x)
    certified = float(certified_eps(network, x, y))

    search = _Search(network, stages_of(network), x[0], int(y), certified, None)
    assert search.run(float("inf"), lambda: None)


def test_the_command_decides_and_keeps_nothing(cli, checkpoint_folder, monkeypatch):
    command = import_module("nsr_core.cli.certify")
    monkeypatch.setattr(command, "bracket_beat", lambda *_, **__: BeatBracket(0.001, 0.5, "pgd", 0.3))
    status, out, _ = cli("certify", checkpoint_folder, "--decide", "--per-class", "1", "--seconds", "0.5", "--json")
    beats = json.loads(out)["beats"]
    assert status == 0
    assert len(beats) == 5
    for beat in beats:
        assert 0.001 <= beat["certified"] < beat["broken"] <= 0.5
    assert not (checkpoint_folder / "certificates.parquet").exists()
    status, out, _ = cli("certify", checkpoint_folder, "--decide", "--per-class", "1", "--seconds", "0")
    assert "0 of 5 beats that are read correctly: bracket closed to within 5 %" in out
