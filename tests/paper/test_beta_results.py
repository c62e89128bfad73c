"""What a finished search is read as, and how it is shown."""

import json

import beta_search
import pytest

from nsr_core.errors import UserError
from nsr_core.paper.beta import read_search, search_markdown, search_protocol, trials_of


@pytest.fixture
def search():
    return beta_search.example()


def test_a_row_for_each_trial(search):
    trials = trials_of(search)
    assert trials[["method", "beta"]].to_numpy().tolist() == [["loss1", 0.2], ["loss1", 0.4], ["jacob", 0.9]]
    assert trials["is_paper"].tolist() == [True, False, True]
    assert trials["is_best"].tolist() == [False, True, True]
    assert trials["0.1"].tolist() == [0.2, 0.3, 0.5]
    assert trials["clean"].tolist() == trials["0"].tolist() == [0.9, 0.88, 0.86]


def test_the_table_marks_the_papers_and_the_best(search):
    lines = search_markdown(search).splitlines()
    assert lines[0] == "| training | β | no noise | 0.01 | 0.1 | area | score |"
    assert lines[2] == "| mlp-loss1 | 0.2 (paper) | 0.90 | 0.80 | 0.20 | 0.500 | 0.600 |"
    assert lines[3] == "| mlp-loss1 | **0.4** | 0.88 | 0.84 | 0.30 | 0.500 | **0.700** |"
    assert lines[4].startswith("| mlp-jacob | **0.9 (paper)** |")
    assert {line.count("|") for line in lines} == {8}


def test_the_protocol_names_beats_attack_split_and_seeds(search):
    result = search_protocol(search)
    for part in ("10 epochs", "100-PGD", "962 validation beats", "`0123456789ab`", "attack seed 0", "training seed 3"):
        assert part in result


def test_a_file_is_read_back_and_one_that_is_not_there_is_none(search, tmp_path):
    assert read_search(tmp_path / "beta.json") is None
    (tmp_path / "beta.json").write_text(json.dumps(search))
    assert read_search(tmp_path / "beta.json") == search


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "cannot be read"), ("[1]", "lacks protocol, sweeps"), ('{"protocol": {}}', "lacks sweeps")],
)
def test_a_file_that_is_no_sweep_is_named(tmp_path, text, message):
    path = tmp_path / "beta.json"
    path.write_text(text)
    with pytest.raises(UserError, match=rf"beta\.json {message}.*Restore it, or run: reproduce beta"):
        read_search(path)
