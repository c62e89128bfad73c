"""A small count of ``benchmarks.reliability`` and ``benchmarks.mutations``: work that is killed, and inputs that are damaged."""

import pytest
from streamlit.testing.v1 import AppTest

from benchmarks import hostile, mutations
from benchmarks.reliability import WORK, study
from nsr_core.files import LOCK_FILE, remove_lock, writing
from ui.navigation import PAGES

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", [name for name in WORK if name != "training"])  # of which test_resume has its own
def test_killed_around_a_replacement_and_done_again(name, trained_folder, tmp_path):
    outcome = study(name, tmp_path, kills=1, every=5, checkpoint=trained_folder)
    assert outcome.different == []
    assert outcome.kills >= 1
    assert outcome.finished >= 2


def test_damaged_files_and_senseless_words_are_refused_in_words(trained_folder, monkeypatch):
    monkeypatch.setattr(mutations, "trained", lambda: trained_folder)
    ends = [mutations.run_case(number, seed=1) for number in range(4 * len(mutations.KINDS))]
    assert [each for each in ends if each[1] == "fault"] == []
    assert {kind for kind, end, _ in ends if end == "refused"} >= mutations.KINDS.keys() - {"address of a page"}


def test_every_parameter_that_a_page_binds_is_tried():
    app = AppTest.from_file(str(PAGES["beat"].file), default_timeout=60).run()
    bound = set().union(*app.session_state["bound_widgets"].values())
    assert {"view", "pgd_step_size"} <= bound <= set(hostile.parameters())


@pytest.mark.parametrize("error", [ZeroDivisionError("a"), OSError("b"), SystemExit(1)])
def test_another_end_is_noticed(error, monkeypatch):
    def fail(folder, rng):
        raise error

    monkeypatch.setattr(mutations, "KINDS", {"card": fail})
    assert mutations.run_case(0, seed=0)[1] == "fault"


def test_the_lock_of_a_killed_writer_goes_and_that_of_a_living_one_stays(tmp_path):
    (tmp_path / LOCK_FILE).write_text("training, process 1")
    remove_lock(tmp_path)
    assert not (tmp_path / LOCK_FILE).exists()
    with writing(tmp_path, "training"):
        remove_lock(tmp_path)
        assert (tmp_path / LOCK_FILE).exists()
    remove_lock(tmp_path)  # where there is none
