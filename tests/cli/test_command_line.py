"""The command line: what it prints, for people and for machines, and how it ends when it cannot."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from nsr_core import __version__
from nsr_core.attacks import ATTACKS
from nsr_core.cli import main
from nsr_core.cli.evaluate import _tables as table_text
from nsr_core.cli.options import parse_levels, parse_sets
from nsr_core.cli.output import Meter, columns
from nsr_core.errors import UserError
from nsr_core.methods import METHODS
from nsr_core.models import NETWORKS
from nsr_core.progress import duration
from nsr_core.training.card import find_checkpoint
from nsr_core.verdict.masking import MaskingCheck

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[2]
COMMANDS = (
    "data",
    "train",
    "attack",
    "evaluate",
    "certify",
    "noise",
    "masking",
    "transfer",
    "universal",
    "patients",
    "read",
    "reproduce",
    "verdict",
    "list",
)


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    """Commands write below the current folder."""
    monkeypatch.chdir(tmp_path)


def works(result):
    status, out, _ = result
    assert status == 0
    return out


def process(*arguments, **options):
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY), "COLUMNS": "120"}
    command = [sys.executable, "-m", "nsr_core", *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, **options)


# As processes of their own


def test_a_newcomer_is_told_what_there_is():
    done = process()
    assert done.returncode == 0
    assert all(f"  {command} " in done.stdout for command in COMMANDS)
    assert "not for clinical use" in done.stdout
    assert done.stderr == ""


def test_an_error_is_one_line_on_standard_error_and_status_2():
    done = process("train", "mlp", "nothing", "--source", "demo")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert "nothing" in done.stderr


def test_machines_get_one_json_value_on_standard_output():
    done = process("data", "--source", "demo", "--json")
    assert done.returncode == 0, done.stderr
    value = json.loads(done.stdout)
    assert value["counts"]["test"] == dict.fromkeys("NSVFQ", 40)
    assert len(value["fingerprint"]) == 12


# Help and lists


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_every_command_explains_itself(cli, command, flag):
    out = works(cli(command, flag))
    assert f"Usage: python -m nsr_core {command}" in out
    assert "--json" in out
    assert "completion" not in out  # it would write into the shell's own files
    for line in out.splitlines():
        name = line.split()[:1]
        if name and name[0].startswith("--"):
            assert len(line.split()) > 1


def test_the_list_names_all_there_is(cli, trained_folder):
    value = json.loads(works(cli("list", "--checkpoints", trained_folder.parent, "--json")))
    assert value["networks"] == {"mlp": 61_381, "cnn": 53_957}
    assert value["networks"].keys() == NETWORKS.keys()
    assert value["methods"].keys() == METHODS.keys()
    assert value["attacks"].keys() == ATTACKS.keys()
    beta = value["methods"]["loss1"]["settings"]["beta"]
    assert (beta["value"], beta["low"], beta["high"]) == (0.2, 0.0, 100.0)
    assert value["checkpoints"]["mlp-mseMargin"]["protocol"] == "custom"
    text = works(cli("list", "--checkpoints", trained_folder.parent))
    for name in (*NETWORKS, *METHODS, *ATTACKS, "mlp-mseMargin"):
        assert name in text


def test_a_list_without_checkpoints_and_one_with_a_broken_card(cli, tmp_path):
    assert "none here" in works(cli("list", "--checkpoints", tmp_path / "nowhere"))
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "card.json").write_text("{")
    assert "cannot be read as a card" in works(cli("list", "--checkpoints", tmp_path))
    value = json.loads(works(cli("list", "--checkpoints", tmp_path, "--json")))
    assert "cannot be read" in value["checkpoints"]["bad"]["error"]


def test_data_counts_by_part(cli):
    out = works(cli("data", "--source", "demo"))
    header, *rows = out.splitlines()
    assert header.split() == ["class", "all", "train", "validation", "test"]
    assert rows[0].split()[-4:] == ["200", "128", "32", "40"]
    assert "source demo, split by beat, fingerprint" in out


def test_tables_say_of_how_many_beats_each_row_is():
    """Attacks on different beats are not silently side by side."""
    measures = dict.fromkeys(("acc", "acc_alone", "prec", "acc_natural"), 0.5)
    rows = [{"attack": name, "beats": beats, "eps": 0.1, **measures} for name, beats in (("pgd100", 100), ("spsa", 15))]
    text = table_text(pd.DataFrame(rows))
    assert re.search(r"pgd100 +100 +0.500", text)
    assert re.search(r"spsa +15 +0.500", text)
    assert "of different beats" in text
    assert "of different beats" not in table_text(pd.DataFrame(rows[:1]))


@pytest.mark.parametrize("given", ["mlp-loss2", "checkpoints/mlp-loss2", str(REPOSITORY / "checkpoints" / "mlp-loss2")])
def test_a_checkpoint_is_taken_by_its_name_or_its_folder(given, monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    assert find_checkpoint(Path(given)).resolve() == REPOSITORY / "checkpoints" / "mlp-loss2"


def test_own_runs_are_taken_by_the_names_of_the_app(tmp_path, monkeypatch):
    mine = tmp_path / "elsewhere" / "mine"
    monkeypatch.setenv("NSR_RUNS_DIR", str(mine.parent))
    mine.mkdir(parents=True)
    (mine / "card.json").write_text("{}")
    assert find_checkpoint(Path("mine")) == find_checkpoint(Path("runs/mine")) == mine


def test_a_name_that_is_none_is_answered_with_the_nearest(monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    with pytest.raises(UserError, match=r"holds no checkpoint.*Did you mean .*mlp-loss2"):
        find_checkpoint(Path("mlp-los2"))
    with pytest.raises(UserError, match="the name of an included one"):
        find_checkpoint(Path("nowhere"))


# Train, attack, evaluate, one after the other


def test_from_nothing_to_a_table(cli, tmp_path):
    train = ("train", "mlp", "ce", "--source", "demo", "--epochs", "2", "--set", "batch_size=32", "--device", "cpu")
    outcome = json.loads(works(cli(*train, "--json")))
    folder = tmp_path / "runs" / "mlp-ce"
    assert outcome["folder"] == str(Path("runs") / "mlp-ce")
    assert outcome["epochs"] == 2
    assert outcome["versions"]["nsr_core"] == __version__
    card = json.loads((folder / "card.json").read_text())
    assert card["config"]["batch_size"] == 32
    assert "protocol custom" in works(cli(*train))

    evaluate = ("evaluate", folder, "--attacks", "fgsm, noise", "--eps", "0.1,0.01", "--per-class", "3")
    rows = json.loads(works(cli(*evaluate, "--device", "cpu", "--json")))
    assert [(row["attack"], row["eps"], row["beats"]) for row in rows] == [
        (attack, eps, 15) for attack in ("fgsm", "noise") for eps in (0.0, 0.01, 0.1)
    ]
    text = works(cli(*evaluate))
    assert "ACC, equal priors" in text
    assert "PREC, equal priors" in text
    assert (folder / "robustness.csv").exists()


def test_settings_of_the_attacks_are_set_by_name(cli, checkpoint_folder):
    """Of each attack named; the card tells them, and the protocol is the paper's no longer."""
    few = ("--eps", "0.1", "--per-class", "1", "--set", "steps=120", "--set", "step_size=0.02")
    works(cli("evaluate", checkpoint_folder, "--attacks", "pgd,spsa", *few, "--set", "step_size=0.03"))
    outcome = json.loads((checkpoint_folder / "card.json").read_text())["results"]["attacks"]
    assert {
        (entry["attack"]["steps"], entry["attack"]["step_size"], entry["protocol"]) for entry in outcome.values()
    } == {(120, 0.03, "custom")}
    works(cli("evaluate", checkpoint_folder, "--attacks", "worst-case", *few[:4], "--set", "strength=fgsm"))
    outcome = json.loads((checkpoint_folder / "card.json").read_text())["results"]["attacks"]
    assert outcome["worst-case"]["attack"]["strength"] == "fgsm"


def test_settings_of_run_and_method_are_set_by_name(cli, tmp_path):
    works(
        cli(
            *("train", "mlp", "loss2", "--source", "demo", "--epochs", "1", "--seed", "3", "--out", "here"),
            *("--set", "beta=0.3", "--set", "eps_max = 0.4", "--set", "bias=false", "--set", "learning_rate=1e-2"),
        )
    )
    config = json.loads((tmp_path / "here" / "card.json").read_text())["config"]
    assert config["method_settings"] == {"beta": 0.3, "eps_max": 0.4}
    assert (config["bias"], config["learning_rate"], config["seed"], config["epochs"]) == (False, 0.01, 3, 1)


@pytest.mark.parametrize("name", ATTACKS)
def test_every_attack_tells_of_one_beat(cli, name, trained_folder):
    sets = ("--set", "samples=32", "--set", "steps=3") if name == "spsa" else ()
    attack = ("attack", trained_folder, "--attack", name, "--beat", "demo:17", "--eps", "0.05", *sets)
    value = json.loads(works(cli(*attack, "--json")))
    assert value["beat"] == "demo:17"
    assert value["largest_noise"] <= 0.05
    assert value["queries"] >= 1
    assert value["noise_to_signal"]["reached_on_line"] <= value["noise_to_signal"]["bound"] + 1e-4
    text = works(cli(*attack))
    assert "Beat demo:17 (demo), true class" in text
    assert "Noise-to-signal ratio: bound" in text


def test_a_row_number_and_a_seed_decide_the_attack(cli, trained_folder):
    attack = ("attack", trained_folder, "--attack", "pgd", "--beat", "5", "--set", "steps=3", "--json")
    first, again = (works(cli(*attack)) for _ in range(2))
    assert first == again
    assert json.loads(first)["beat"] == "demo:5"
    assert json.loads(works(cli(*attack, "--signal-only")))["signal_only"] is True


def test_a_masking_check_has_a_light_and_status_0_whatever_it_is(cli, trained_folder):
    check = ("masking", trained_folder, "--per-class", "1", "--eps", "0.05")
    value = json.loads(works(cli(*check, "--json")))
    assert value["light"] in ("green", "amber", "red")
    assert value["checkpoint"] == trained_folder.name
    assert value["eps"] == [0.05]
    assert value["beats"] == dict.fromkeys("NSVFQ", 1)
    assert {sign["light"] for sign in value["signs"]} >= {value["light"]}
    text = works(cli(*check, "--source", "demo"))
    assert all(sign["sentence"] in text for sign in value["signs"])
    assert value["verdict"] in text
    assert "no proof of robustness" in text
    assert "test part of the split by beat" in text


def test_classes_by_patient(cli, checkpoint_folder):
    works(cli("evaluate", checkpoint_folder, "--attacks", "fgsm", "--eps", "0.05"))
    asked = ("patients", checkpoint_folder, "--attack", "fgsm", "--eps", "0.05")
    value = json.loads(works(cli(*asked, "--json")))
    assert [row["class"] for row in value["classes"]] == list("NSVFQ")
    text = works(cli(*asked))
    assert f"{value['classes'][2]['f1']:.3f}" in text
    assert "full test split; fgsm at noise level 0.05" in text


def test_verdicts_of_a_folder(cli, checkpoint_folder):
    works(
        cli(
            "evaluate",
            checkpoint_folder,
            "--attacks",
            "worst-case,pgd",
            "--eps",
            "0.02",
            "--per-class",
            "3",
            "--spread",
        )
    )
    value = json.loads(works(cli("verdict", checkpoint_folder.parent, "--eps", "0.02", "--json")))
    row = value["verdicts"][0]
    assert (row["checkpoint"], row["proved"], row["beats"]) == (checkpoint_folder.name, None, 15)
    assert row["worst"] <= row["published"] <= row["clean"]
    assert f"{row['worst']:.3f}" in works(cli("verdict", checkpoint_folder.parent, "--eps", "0.02"))


def test_a_masking_check_can_be_kept(cli, checkpoint_folder):
    outcome = json.loads(
        works(cli("masking", checkpoint_folder, "--per-class", "1", "--eps", "0.05", "--keep", "--json"))
    )
    assert json.loads((checkpoint_folder / "masking.json").read_text()) == outcome


def test_a_red_light_ends_with_status_1_where_that_is_asked_for(cli, trained_folder, monkeypatch):
    red = MaskingCheck("red", "Far too high.", (), (), {"N": 1}, "demo beats", (0.1,), 0)
    monkeypatch.setattr("nsr_core.cli.masking.check_masking", lambda *arguments, **options: red)
    assert cli("masking", trained_folder)[0] == 0
    status, out, err = cli("masking", trained_folder, "--strict")
    assert (status, "Far too high." in out) == (1, True)
    assert "Error" not in err


# What cannot be done


#: A command line, and what its error must say; TRAINED is the folder of a checkpoint.
BAD = [
    ("frobnicate", "No such command 'frobnicate'"),
    ("list extra", "unexpected extra argument"),
    ("list --colour", "No such option"),
    ("train", "Missing argument"),
    ("train mlp", "Missing argument"),
    ("train rnn ce --source demo", "choose one of: mlp, cnn"),
    ("train mlp adv0.9 --source demo", 'no method "adv0.9"'),
    ("train mlp ce --source web", "choose one of: mitbih, kaggle, demo"),
    ("train mlp ce --source demo --split random", "choose one of: beat, patient, published"),
    ("train mlp ce --source demo --split patient", "split by patient needs the MIT-BIH records"),
    ("train mlp ce --epochs 0", "--epochs"),
    ("train mlp ce --epochs many", "--epochs"),
    ("train mlp ce --seed -1", "--seed"),
    ("train mlp ce --threads 0", "--threads"),
    ("train mlp ce --source demo --device tpu", 'no device "tpu"'),
    ("train mlp ce --source mitbih --root /nowhere", "/nowhere"),
    ("train mlp ce --set beta", 'got "beta"; expected NAME=VALUE'),
    ("train mlp ce --set =3", 'got "=3"; expected NAME=VALUE'),
    ("train mlp ce --set beta=", 'got "beta="; expected NAME=VALUE'),
    ("train mlp ce --set beta=0.3", '"beta" is no setting of CrossEntropy'),
    ("train mlp loss2 --set beta=-1", "beta is -1.0; it must lie in [0.0, 100.0]"),
    ("train mlp loss2 --set beta=nan", "beta is nan"),
    ("train mlp loss2 --set beta=much", 'beta is "much"; it must be a float'),
    ("train mlp ce --set batch_size=1.5", 'batch_size is "1.5"; it must be a int'),
    ("train mlp ce --set bias=perhaps", 'bias is "perhaps"'),
    ("train mlp ce --set network=cnn", "cannot change the network"),
    ("train mlp ce --set method=mse", "cannot change the method"),
    ("train mlp ce --source demo --out /proc/nowhere", "/proc/nowhere"),
    ("attack", "Missing argument"),
    ("attack nowhere", "holds no checkpoint"),
    ("attack TRAINED --attack magic", 'no attack "magic"'),
    ("attack TRAINED --beat demo:1000", 'no beat "demo:1000"'),
    ("attack TRAINED --beat 100:77", 'no beat "100:77"'),
    ("attack TRAINED --beat 1000", 'no beat "1000"'),
    ("attack TRAINED --eps 2", "--eps"),
    ("attack TRAINED --eps -0.1", "--eps"),
    ("attack TRAINED --eps nan", "--eps"),
    ("attack TRAINED --eps little", "--eps"),
    ("attack TRAINED --source web", 'no source "web"'),
    ("attack TRAINED --root /nowhere", "they need no folder"),
    ("attack TRAINED --set steps=0", "steps is 0; it must lie in"),
    ("attack TRAINED --set speed=3", '"speed" is no setting of PGD'),
    ("attack TRAINED --set move=jump", "choose one of: adamax, sign"),
    ("attack TRAINED --attack spsa --set samples=3", "samples is 3; it must be even"),
    ("evaluate nowhere", "holds no checkpoint"),
    ("evaluate TRAINED --attacks magic", 'no attack "magic"'),
    ("evaluate TRAINED --attacks ''", 'no attack ""'),
    ("evaluate TRAINED --eps a,b", 'is "a,b"; expected numbers separated by commas'),
    ("evaluate TRAINED --eps 0.1,,0.2", "expected numbers separated by commas"),
    ("evaluate TRAINED --eps 0,0.1", "must lie in (0, 1]"),
    ("evaluate TRAINED --eps nan", "must lie in (0, 1]"),
    ("evaluate TRAINED --per-class -1", "--per-class"),
    ("evaluate TRAINED --attacks pgd,spsa --set samples=4", '"samples" is no setting of PGD'),
    ("evaluate TRAINED --attacks spsa --set samples=3", "samples is 3; it must be even"),
    (
        "evaluate TRAINED --attacks pgd --set steps=20",
        "pgd is reported after 100 steps, and steps is 20; expected 100 or more",
    ),
    ("masking nowhere", "holds no checkpoint"),
    ("masking TRAINED --eps 0,0.1", "must lie in (0, 1]"),
    ("masking TRAINED --per-class 0", "--per-class"),
    ("masking TRAINED --source web", 'no source "web"'),
    ("verdict --eps 0.123", "evaluated at a noise level of 0.123. There are: 0, 0.01"),
    ("data --source web", 'no source "web"'),
    ("data --source demo --split weekly", 'no split "weekly"'),
    ("data --source kaggle --root /nowhere", "/nowhere"),
]


@pytest.mark.parametrize(("line", "message"), BAD)
def test_what_cannot_be_done_ends_with_one_line_and_status_2(cli, line, message, trained_folder, tmp_path):
    status, out, err = cli(*shlex.split(line.replace("TRAINED", str(trained_folder))))
    assert status == 2
    assert out == ""
    assert err.startswith("Error: ")
    assert err.endswith("\n")
    assert err.count("\n") == 1
    assert message in err
    assert not list(tmp_path.glob("runs/*"))


def test_other_settings_in_a_folder_that_is_taken_end_likewise(cli, trained_folder):
    status, _, err = cli("train", "mlp", "ce", "--source", "demo", "--out", trained_folder)
    assert status == 2
    assert err.startswith("Error: ")
    assert "other settings" in err


def test_a_programming_mistake_is_not_dressed_up_as_the_users(monkeypatch):
    def broken(*arguments, **options):
        raise ZeroDivisionError

    monkeypatch.setattr("nsr_core.cli.data.load_beats", broken)
    with pytest.raises(ZeroDivisionError):
        main(["data", "--source", "demo"])


def test_ctrl_c_says_how_to_go_on(cli, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("nsr_core.cli.train.run_training", interrupted)
    status, _, err = cli("train", "mlp", "ce", "--source", "demo")
    assert status == 130
    assert "Stopped" in err
    assert "run the same command again" in err


# Small parts


def test_sets_and_levels_are_read():
    assert parse_sets(["a=1", " b = x=y "]) == {"a": "1", "b": "x=y"}
    assert parse_sets(None) == {}
    assert parse_levels("0.3, 0.01,0.3") == (0.01, 0.3)
    with pytest.raises(UserError):
        parse_levels("0.1,1.5")


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0 s"), (89, "89 s"), (91, "2 min"), (3599, "1 h 00 min"), (3900, "1 h 05 min")]
)
def test_durations_are_said_as_people_say_them(seconds, said):
    assert duration(seconds) == said


def test_columns_are_aligned_and_lines_end_with_text():
    assert columns([("a", "1"), ("long", "")], ("name", "x")) == "name  x\na     1\nlong"


def test_the_meter_ends_at_the_end_and_says_what_is_left(capsys):
    meter = Meter()
    meter(1, 4, "working")
    meter._last -= 60
    meter._left._started -= 10
    meter(2, 4, "working")
    meter(4, 4, "done")
    middle, last = capsys.readouterr().err.splitlines()
    assert middle == " 50.0 %  working, 20 s left"
    assert last.startswith("100.0 %  done")
