"""The evidence of the masking check: what it carries out, on which beats, and how often."""

import numpy as np
import pytest

from nsr_core.evaluation.robustness import predict
from nsr_core.verdict.masking.evidence import Evidence
from nsr_core.verdict.masking.variants import PUBLISHED

EPS = 0.05


@pytest.fixture
def seen(trained, demo_beats, some):
    return Evidence(trained.network, demo_beats, some, [EPS])


@pytest.fixture
def carried_out(seen, monkeypatch):
    """The runs that were carried out, and on how many beats each."""
    calls, attack = [], seen._attack

    def counted(run, eps, places):
        calls.append((run, len(places)))
        return attack(run, eps, places)

    monkeypatch.setattr(seen, "_attack", counted)
    return calls


def test_another_run_meets_only_what_the_published_attack_leaves_and_each_is_carried_out_once(seen, carried_out):
    left = seen.left(EPS)
    assert 0 < left.sum() < len(seen)
    first, again = seen.beyond("margin", EPS), seen.beyond("margin", EPS)
    assert carried_out == [(PUBLISHED, len(seen)), ("margin", left.sum())]
    np.testing.assert_array_equal(first, again)
    assert not (first & ~left).any()


def test_a_run_that_met_all_beats_is_not_carried_out_again_for_what_is_left(seen, carried_out):
    whole = seen.broken("noise", EPS)
    np.testing.assert_array_equal(seen.beyond("noise", EPS), whole & seen.left(EPS))
    assert carried_out == [("noise", len(seen)), (PUBLISHED, len(seen))]


def test_several_runs_break_what_any_of_them_breaks(seen):
    runs = ["margin", "fgsm"]
    expected = seen.beyond("margin", EPS) | seen.beyond("fgsm", EPS)
    np.testing.assert_array_equal(seen.beyond_any(runs, EPS), expected)


def test_the_class_of_a_flat_line_is_the_networks(seen, trained, demo_beats):
    flat = np.full((1, 187), 0.5, np.float32)
    assert seen.flat_line == predict(trained.network, flat)[0]
