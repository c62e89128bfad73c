"""The bracket of one beat: exact on a straight network, in order on a trained one, honest where nothing is known."""

import numpy as np
import pandas as pd
import pytest
import torch
import toys

from nsr_core.attacks import PGD, STRENGTHS
from nsr_core.beat.bracket import NOTHING_KNOWN, bracket_beat, certified_bracket, quick_bracket, stored_bracket
from nsr_core.beat.smallest_flip import SEARCH_ATTACK
from nsr_core.beat.sweep import sweep_beat
from nsr_core.evaluation.robustness import predict
from nsr_core.progress import TimeIsUp

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def right(trained, demo_beats):
    rows = np.flatnonzero(predict(trained.network, demo_beats.x) == demo_beats.y)
    return np.random.default_rng(2).permutation(rows)[:6].tolist()


def test_proof_lies_below_break(trained, demo_beats, right):
    brackets = [bracket_beat(trained.network, demo_beats, row) for row in right[:2]]
    assert all(0 < one.certified < one.broken <= one.most for one in brackets)
    assert all(one.by in STRENGTHS["standard"] for one in brackets)


def test_it_breaks_no_later_than_the_published_attack(trained, demo_beats, right):
    for row in right:
        swept = sweep_beat(trained, PGD(), demo_beats, row)
        assert bracket_beat(trained.network, demo_beats, row, strength="pgd").broken <= swept.smallest + 1e-9


def test_the_break_is_told_to_a_thousandth(trained, demo_beats, right):
    """A flip in the grid's step of 0.01 is looked for at nine levels between."""
    for row in right[:3]:
        found = bracket_beat(trained.network, demo_beats, row, strength="pgd")
        assert found.broken * 1000 == pytest.approx(round(found.broken * 1000))


def test_noise_on_the_signal_only_leaves_no_less_proved(trained, demo_beats, right):
    for row in right[:3]:
        whole, signal = (
            bracket_beat(trained.network, demo_beats, row, strength="fgsm", signal_only=only) for only in (False, True)
        )
        assert signal.certified >= whole.certified


def test_a_misread_beat_is_broken_at_nothing(trained, demo_beats):
    wrong = int(np.flatnonzero(predict(trained.network, demo_beats.x) != demo_beats.y)[0])
    found = bracket_beat(trained.network, demo_beats, wrong)
    assert (found.certified, found.broken, found.by) == (0, 0, "")


def test_without_a_certificate_and_without_a_break_nothing_is_claimed(demo_beats, monkeypatch):
    """A CNN whose first class wins by far whatever the beat."""
    network = toys.fresh("cnn", dtype=torch.float32)
    with torch.no_grad():
        network.output.weight.zero_()
        network.output.bias.copy_(torch.tensor([9.0, 0, 0, 0, 0]))
    row = int(np.flatnonzero(demo_beats.y == 0)[0])
    monkeypatch.setattr("nsr_core.beat.bracket.can_be_certified", lambda network: False)
    found = bracket_beat(network, demo_beats, row, strength="fgsm")
    assert np.isnan([found.certified, found.broken]).all()
    assert (found.by, found.most) == ("", 0.3)


def test_it_can_be_stopped(trained, demo_beats, right):
    class Stop(Exception):
        pass

    def stop(done, total, what):
        if done > 3:
            raise Stop

    with pytest.raises(Stop):
        bracket_beat(trained.network, demo_beats, right[0], progress=stop)


# The quick search


def test_the_quick_search_finds_a_break_above_the_proof_and_no_further_off_than_pgd(trained, demo_beats, right):
    for row in right[:2]:
        quick = quick_bracket(trained.network, demo_beats, row, signal_only=True)
        pgd = bracket_beat(trained.network, demo_beats, row, strength="pgd", signal_only=True)
        assert quick.certified == pgd.certified
        assert 0 < quick.certified < quick.broken < 1.2 * pgd.broken
        assert quick.by == SEARCH_ATTACK.name
    wrong = int(np.flatnonzero(predict(trained.network, demo_beats.x) != demo_beats.y)[0])
    assert quick_bracket(trained.network, demo_beats, wrong).misread


def test_the_quick_search_may_use_the_padding_where_that_is_allowed(beats_of):
    """A network that reads the padding alone: no noise on the signal flips it."""
    difference = torch.zeros(187, dtype=torch.float64)
    difference[100:] = 1
    beats = beats_of(np.full((1, 187), 0.5), [0])
    signal, whole = (
        quick_bracket(toys.two_class(difference, 0.51 * 87), beats, 0, signal_only=only) for only in (True, False)
    )
    assert np.isnan(signal.broken)
    assert whole.broken == pytest.approx(0.01, rel=0.12)


def test_the_quick_search_keeps_what_it_has_when_its_time_is_up(trained, demo_beats, right):
    def until_the_proof(done, total, what):
        if what == "proving":
            raise TimeIsUp

    found = quick_bracket(trained.network, demo_beats, right[0], progress=until_the_proof)
    assert found.broken > 0
    assert np.isnan(found.certified)


# What is at hand


def test_a_proof_alone_says_nothing_of_breaks(trained, demo_beats, right):
    for row in right[:2]:
        found, whole = (
            certified_bracket(trained.network, demo_beats, row),
            bracket_beat(trained.network, demo_beats, row, strength="fgsm"),
        )
        assert found.certified == whole.certified > 0
        assert np.isnan(found.broken)
    wrong = int(np.flatnonzero(predict(trained.network, demo_beats.x) != demo_beats.y)[0])
    assert certified_bracket(trained.network, demo_beats, wrong).misread


def test_the_smallest_break_and_the_largest_proof_count():
    found = NOTHING_KNOWN.with_proof(0.01).with_break(0.05, "pgd").with_break(np.nan, "spsa").with_break(0.07, "square")
    assert (found.certified, found.broken, found.by) == (0.01, 0.05, "pgd")
    found = found.with_break(0.03, "square").with_proof(np.nan).with_proof(0.005)
    assert (found.certified, found.broken, found.by) == (0.01, 0.03, "square")


def stored_rows(beats, *rows):
    columns = ("row", "attack", "eps", "y", "clean", "step")
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(record=beats.record[table["row"]], sample=beats.sample[table["row"]])


def test_stored_results_count_where_their_noise_may_be(demo_beats):
    """On all samples everything counts; on the signal only, a break of noise that used the padding does not."""
    attacks = {
        "pgd": {"signal_only": False, "attack": {"steps": 100}},
        "worst-case-signal": {"signal_only": True, "attack": {"strength": "standard"}},
    }
    table = stored_rows(
        demo_beats,
        (3, "pgd", 0.01, 0, 0, -1),
        (3, "pgd", 0.03, 0, 0, 7),
        (3, "pgd", 0.05, 0, 0, -3),
        (3, "worst-case-signal", 0.05, 0, 0, 0),
        (4, "pgd", 0.01, 1, 0, -2),
        (5, "pgd", 0.01, 1, 1, -1),
    )
    proofs = stored_rows(demo_beats, (3, "", 0, 0, 0, 0)).assign(certified=0.004)
    whole, signal = (stored_bracket(demo_beats, 3, table, attacks, proofs, signal_only=only) for only in (False, True))
    assert (whole.broken, whole.by, whole.certified) == (0.03, "pgd", 0.004)
    assert (signal.broken, signal.by, signal.certified) == (0.05, "fgsm", 0.004)
    assert stored_bracket(demo_beats, 4, table, attacks, proofs).misread
    assert np.isnan(stored_bracket(demo_beats, 5, table, attacks, None).broken)
    assert stored_bracket(demo_beats, 6, table, attacks, proofs) == NOTHING_KNOWN
