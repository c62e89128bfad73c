"""The command line of the reproduction, on the demo beats."""

import json
import shlex
from pathlib import Path

import pandas as pd
import pytest

from nsr_core.cli import reproduce as module
from nsr_core.errors import UserError
from nsr_core.paper.published import paper_tables

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    """The command writes below the current folder."""
    monkeypatch.chdir(tmp_path)


def works(result):
    status, out, err = result
    assert status == 0, err
    return out


def test_a_quick_trial_from_nothing_to_twelve_tables(cli):
    """Two models; every published cell is in the tables, and every heading says what it is."""
    asked = ("reproduce", "--quick", "--source", "demo", "--only", "mlp-ce,mlp-mse", "--workers", "2")
    value = json.loads(works(cli(*asked, "--json")))
    folder = Path("runs") / "reproduction-quick" / "tables"
    tables = pd.concat([pd.read_csv(path) for path in sorted(folder.glob("table-*.csv"))])
    assert len(tables) == len(paper_tables()) == 756
    assert tables["ours"].notna().sum() == 2 * 42
    assert (tables["missing"].isna() == tables["ours"].notna()).all()
    assert value["quick"] is True
    text = (folder / "tables.md").read_text()
    headings = [line for line in text.splitlines() if line.startswith("### Table")]
    assert len(headings) == 12
    assert all("QUICK TRIAL" in heading for heading in headings)
    assert "1 epoch. 50 test beats. Training seed 0." in text
    dry = json.loads(works(cli(*asked, "--dry-run", "--json")))
    assert not any(task["pending"] for task in dry["tasks"])
    assert "Nothing has to be computed" in works(cli(*asked, "--dry-run"))
    before = {path: path.read_bytes() for path in folder.iterdir()}
    assert json.loads(works(cli(*asked, "--json"))) == value
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_a_dry_run_shows_the_plan_and_writes_nothing(cli):
    asked = ("reproduce", "--source", "demo", "--only", "mlp-loss2,table5", "--dry-run")
    value = json.loads(works(cli(*asked, "--json")))
    assert [task["kind"] for task in value["tasks"]] == ["train", "attack", "merge"] * 3
    assert [task["needs"] for task in value["tasks"][:2]] == [[], ["train mlp-loss2-50-epochs-seed-0"]]
    assert all(task["pending"] for task in value["tasks"])
    assert value["seconds"] > 0
    text = works(cli(*asked, "--workers", "4"))
    assert "mlp-loss2-50-epochs-seed-2" in text
    assert "9 of 9 tasks are left. About" in text
    assert "on 4 worker(s)" in text
    assert not Path("runs").exists()


def test_tables_are_written_of_what_is_finished_when_a_task_fails(cli, monkeypatch):
    def failing(tasks, bench, **options):
        bench.checkpoints.mkdir(parents=True)
        raise UserError("1 of 3 tasks failed")

    monkeypatch.setattr(module, "carry_out_all", failing)
    status, _, err = cli("reproduce", "--source", "demo", "--only", "mlp-ce", "--out", "here")
    assert status == 2
    assert "1 of 3 tasks failed" in err
    assert "no checkpoint yet" in Path("here/tables/table-01.md").read_text()


def test_a_sweep_of_beta(cli):
    asked = ("reproduce", "beta", "--source", "demo", "--methods", "loss1", "--epochs", "1", "--values", "0.1,0.4")
    outcome = json.loads(works(cli(*asked, "--dry-run", "--json")))
    assert [task["config"]["method_settings"]["beta"] for task in outcome] == [0.1, 0.4]
    assert all(task["pending"] for task in outcome)
    text = works(cli(*asked, "--workers", "1"))
    assert "score" in text
    assert "try --values beyond" in text
    assert Path("runs/reproduction/beta/beta.csv").exists()
    assert "0 of 2 trials are left" in works(cli(*asked, "--dry-run"))


#: A command line, and what its error must say.
BAD = [
    ("reproduce --source demo --only rnn", '--only names "rnn"'),
    ("reproduce --source demo --seeds a", '--seeds is "a"; expected whole numbers'),
    ("reproduce --source demo --seeds -1", '--seeds is "-1"'),
    ("reproduce --source demo --epochs 0", "--epochs"),
    ("reproduce --source demo --workers 0", "--workers"),
    ("reproduce --source demo --cnn-samples 3 --only cnn-ce", "samples is 3; it must be even"),
    ("reproduce --source web", 'no source "web"'),
    ("reproduce --source demo --device tpu", 'no device "tpu"'),
    ("reproduce alpha", "No such command 'alpha'"),
    ("reproduce beta --source demo --methods ce", "ce has no β in the paper"),
    ("reproduce beta --source demo --values some", '--values is "some"; expected numbers'),
    ("reproduce beta --source demo --values=-1", "beta is -1.0"),
    ("reproduce beta --source demo --networks rnn", "choose one of: mlp, cnn"),
]


@pytest.mark.parametrize(("line", "message"), BAD)
def test_what_cannot_be_done_ends_with_one_line_and_status_2(cli, line, message):
    status, out, err = cli(*shlex.split(line))
    assert (status, out) == (2, "")
    assert err.startswith("Error: ")
    assert err.count("\n") == 1
    assert message in err
    assert not Path("runs").exists()


def test_a_sweep_explains_itself(cli):
    out = works(cli("reproduce", "beta", "--help"))
    assert "Usage: python -m nsr_core reproduce beta" in out
    assert "--json" in out


def test_after_its_minutes_it_ends_and_says_what_is_left(cli):
    asked = ("reproduce", "--quick", "--source", "demo", "--only", "mlp-mse", "--workers", "1", "--epochs", "10000")
    value = json.loads(works(cli(*asked, "--minutes", "0.05", "--json")))
    assert value == {"tasks_left": 5}
