"""A small count of ``benchmarks.reliability``: killed around file replacements, work ends with the same bytes."""

import pytest

from benchmarks.reliability import WORK, study

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", [name for name in WORK if name != "training"])  # of which test_resume has its own
def test_killed_around_a_replacement_and_done_again(name, trained_folder, tmp_path):
    outcome = study(name, tmp_path, kills=1, every=5, checkpoint=trained_folder)
    assert outcome.different == []
    assert outcome.kills >= 1
    assert outcome.finished >= 2
