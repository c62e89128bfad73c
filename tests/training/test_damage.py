"""What damaged a checkpoint's folder is noticed, and the remedy that the message names works."""

import json
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from nsr_core.attacks import FGSM, PGD
from nsr_core.certificates import CERTIFICATES_FILE, certify, load_certificates
from nsr_core.certificates import store as certificates_store
from nsr_core.errors import Damaged, UserError
from nsr_core.evaluation.assignment import Assignment
from nsr_core.evaluation.evaluate import evaluate
from nsr_core.evaluation.table import load_table
from nsr_core.files import LOCK_FILE, CannotWrite, writing
from nsr_core.jobs import delete, get_run
from nsr_core.training import checkpoint as checkpoint_file
from nsr_core.training.card import BEATS_FILE, CARD_FILE, HISTORY_FILE, MODEL_FILE, RESULTS_FILE, read_card
from nsr_core.training.checkpoint import load_checkpoint
from nsr_core.training.config import TrainConfig
from nsr_core.training.loop import train
from nsr_core.verdict import everyday
from nsr_core.verdict.everyday import EVERYDAY_FILE, read_under_noise

FEW = {"per_class": 2, "eps_grid": (0.05,)}
PLAN = {"fgsm": Assignment(FGSM(), **FEW), "pgd": Assignment(PGD(steps=2), **FEW)}
NOISE = {"kinds": ["mains50"], "snr_db": [12.0], "draws": 1, "per_class": 2}


class Killed(BaseException):
    """What no handler of the code under test may swallow."""


@pytest.fixture
def folder(checkpoint_folder, demo_beats, demo_split):
    """A checkpoint with results of all kinds."""
    evaluate(checkpoint_folder, demo_beats, demo_split, PLAN)
    certify(checkpoint_folder, demo_beats, demo_split, method="interval", per_class=2)
    read_under_noise(checkpoint_folder, demo_beats, demo_split, **NOISE)
    return checkpoint_folder


def retrain(folder, beats, split, **changes):
    return train(replace(TrainConfig.from_json(CONFIG_OF[folder.name]), **changes), beats, split, folder)


CONFIG_OF: dict[str, dict] = {}


@pytest.fixture(autouse=True)
def config(trained):
    CONFIG_OF["mlp-mseMargin"] = trained.config.to_json()


REMEDIES = {
    BEATS_FILE: lambda folder, *data, **how: evaluate(folder, *data, PLAN, **how),
    CERTIFICATES_FILE: lambda folder, *data, **how: certify(folder, *data, method="interval", per_class=2, **how),
    EVERYDAY_FILE: lambda folder, *data, **how: read_under_noise(folder, *data, **NOISE, **how),
}
COMMANDS = {BEATS_FILE: "evaluate", CERTIFICATES_FILE: "certify", EVERYDAY_FILE: "noise"}


@pytest.mark.parametrize("name", REMEDIES)
def test_a_cut_table_is_named_and_made_again_on_request(name, folder, demo_beats, demo_split):
    path, again = folder / name, REMEDIES[name]
    before, card = pd.read_parquet(path), read_card(folder)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(Damaged, match=rf"{name} cannot be read .* Restore it, or .* again") as raised:
        again(folder, demo_beats, demo_split)
    assert raised.value.command_line == f"Give {COMMANDS[name]} the option --replace."
    again(folder, demo_beats, demo_split, replace_results=True)
    pd.testing.assert_frame_equal(pd.read_parquet(path), before)
    assert without_time(read_card(folder)) == without_time(card)


def without_time(value):
    if isinstance(value, dict):
        return {name: without_time(cell) for name, cell in value.items() if name != "seconds"}
    return value


def test_a_table_that_is_gone_beside_a_card_with_results(folder, demo_beats, demo_split):
    (folder / BEATS_FILE).unlink()
    one = {"fgsm": PLAN["fgsm"]}
    with pytest.raises(Damaged, match=r"holds no beats under fgsm, pgd, of which the card has results\. Restore it"):
        evaluate(folder, demo_beats, demo_split, one)
    evaluate(folder, demo_beats, demo_split, one, replace_results=True)
    results = read_card(folder)["results"]
    assert list(results["attacks"]) == list(results["robust"]) == ["fgsm"]
    assert set(pd.read_csv(folder / RESULTS_FILE)["attack"]) == {"fgsm"}


def test_the_command_line_says_how(folder, cli):
    (folder / BEATS_FILE).write_bytes(b"PAR1")
    line = ["evaluate", folder, "--attacks", "fgsm", "--per-class", 2, "--eps", "0.05"]
    status, _, error = cli(*line)
    assert status == 2
    assert error.count("\n") == 1
    assert "Give evaluate the option --replace." in error
    assert cli(*line, "--replace")[0] == 0
    assert set(load_table(folder / BEATS_FILE)["attack"]) == {"fgsm"}


@pytest.mark.parametrize("text", ["", '{"format": "nsr-ecg ch', "[" * 200_000])
def test_a_card_that_cannot_be_read_is_made_by_training_again(text, checkpoint_folder, demo_beats, demo_split):
    digest = load_checkpoint(checkpoint_folder).digest
    (checkpoint_folder / CARD_FILE).write_text(text)
    with pytest.raises(Damaged, match="train the checkpoint again"):
        load_checkpoint(checkpoint_folder)
    retrain(checkpoint_folder, demo_beats, demo_split)
    assert load_checkpoint(checkpoint_folder).digest == digest


def test_weights_that_are_damaged_are_made_by_training_again_with_the_same_settings(
    checkpoint_folder, demo_beats, demo_split
):
    digest = load_checkpoint(checkpoint_folder).digest
    (checkpoint_folder / MODEL_FILE).write_bytes(b"damaged")
    with pytest.raises(UserError, match="finished checkpoint with other settings"):
        retrain(checkpoint_folder, demo_beats, demo_split, seed=7, epochs=1)
    retrain(checkpoint_folder, demo_beats, demo_split)
    assert load_checkpoint(checkpoint_folder).digest == digest


@pytest.mark.parametrize("damage", ["gone", "cut", "changed", "empty"])
def test_a_damaged_history_is_noticed_and_written_again_from_the_state(
    damage, checkpoint_folder, demo_beats, demo_split
):
    path = checkpoint_folder / HISTORY_FILE
    whole = path.read_text()
    lines = whole.splitlines(keepends=True)
    path.write_text({"cut": "".join(lines[:-2]), "changed": whole.replace("0.", "1.", 1)}.get(damage, ""))
    if damage == "gone":
        path.unlink()
    damaged = path.read_text() if path.exists() else None
    retrain(checkpoint_folder, demo_beats, demo_split)
    assert path.read_text() == whole
    if damaged is None:
        path.unlink()
    else:
        path.write_text(damaged)
    (checkpoint_folder / "state.safetensors").unlink()
    with pytest.raises(Damaged, match=r"history\.csv .* The network is whole\. Restore the file, or train again"):
        retrain(checkpoint_folder, demo_beats, demo_split)


@pytest.mark.parametrize("kind", ["certificates", "everyday"])
def test_killed_between_table_and_card_the_next_run_completes_the_entry(
    kind, checkpoint_folder, demo_beats, demo_split, monkeypatch
):
    module, again = {
        "certificates": (certificates_store, REMEDIES[CERTIFICATES_FILE]),
        "everyday": (everyday, REMEDIES[EVERYDAY_FILE]),
    }[kind]
    original, written = module.write_entry, []

    def dying(*arguments, **named):
        written.append(named)
        if len(written) == 2:  # the first is before the table
            raise Killed
        original(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(module, "write_entry", dying)
        with pytest.raises(Killed):
            again(checkpoint_folder, demo_beats, demo_split)
    again(checkpoint_folder, demo_beats, demo_split)
    entry = read_card(checkpoint_folder)["results"][kind]
    if kind == "certificates":
        assert entry["done"] == len(load_certificates(checkpoint_folder / CERTIFICATES_FILE)) == 10
    else:
        assert entry["beats"] == {"mains50": {"12": 10}}


def test_one_writer_at_a_time_whatever_it_writes(folder, demo_beats, demo_split, cli):
    writers = list(REMEDIES.values())
    with writing(folder, "certifying"):
        for write in writers:
            with pytest.raises(
                UserError, match=r"is being written to by another process \(certifying, process \d+ on "
            ):
                write(folder, demo_beats, demo_split)
        status, _, error = cli("masking", folder, "--keep", "--per-class", 1)
        assert status == 2
        assert "is being written to by another process (certifying" in error
        (folder / CARD_FILE).unlink()
        with pytest.raises(UserError, match="is being written to"):
            retrain(folder, demo_beats, demo_split)
    assert not (folder / LOCK_FILE).exists()
    retrain(folder, demo_beats, demo_split)
    certify(folder, demo_beats, demo_split, method="interval", per_class=2)


def test_a_run_that_is_being_evaluated_is_not_deleted(checkpoint_folder, tmp_path, monkeypatch):
    (checkpoint_folder / "status.json").write_text(
        json.dumps(
            {"kind": "train", "title": "", "state": "finished", "created": 1.0, "queued": 1.0, "updated": 1.0}
            | {"started": 1.0, "ended": 1.0, "pid": None, "done": 1, "total": 1, "what": "", "seconds_left": None}
            | {"error": None}
        )
    )
    (checkpoint_folder / "config.json").write_text('{"kind": "train"}')
    run = get_run(checkpoint_folder.name, tmp_path)
    with writing(checkpoint_folder, "evaluating"), pytest.raises(UserError, match="is being evaluated"):
        delete(run)
    delete(run)
    assert not checkpoint_folder.exists()


def test_the_lock_of_a_killed_writer_does_not_outlive_it(tmp_path):
    code = (
        "import os, signal, sys; from pathlib import Path; from nsr_core.files import writing\n"
        "with writing(Path(sys.argv[1]), 'x'): os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert (tmp_path / LOCK_FILE).exists()
    with writing(tmp_path, "y"):
        pass


def test_many_threads_take_the_lock_one_after_another(tmp_path):
    inside, most, done = [], [], []

    def work():
        while len(done) < 200:
            try:
                with writing(tmp_path, "x"):
                    inside.append(1)
                    most.append(len(inside))
                    inside.pop()
                    done.append(1)
            except UserError:
                pass

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1


def test_a_full_disk_is_one_clear_line(demo_beats, demo_split, tmp_path, monkeypatch):
    """/dev/full refuses every byte, as a full disk does."""
    write = Path.write_bytes
    monkeypatch.setattr(Path, "write_bytes", lambda path, content: write(Path("/dev/full"), content))
    with pytest.raises(
        CannotWrite, match=r"state\.safetensors cannot be written \(.*No space left.*\)\. Free some space"
    ):
        retrain(tmp_path / "mlp-mseMargin", demo_beats, demo_split)
    assert checkpoint_file.MODEL_FILE not in [path.name for path in (tmp_path / "mlp-mseMargin").iterdir()]


@pytest.mark.parametrize("value", [None, 5, -1e308, "x", [], {}, {"x": []}])
def test_whatever_a_card_holds_is_used_or_refused_in_words(value, checkpoint_folder):
    card = read_card(checkpoint_folder)
    for part in (card, card["config"]):
        for name in list(part):
            kept, part[name] = part[name], value
            (checkpoint_folder / CARD_FILE).write_text(json.dumps(card))
            with suppress(UserError):
                load_checkpoint(checkpoint_folder)
            part[name] = kept
