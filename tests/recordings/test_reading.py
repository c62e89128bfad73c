"""A recording as networks read it: tables, facts, proofs, and the command that prints them."""

import dataclasses
import functools
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import toys

from nsr_core.attacks.apgd import WideAPGD
from nsr_core.beat.smallest_flip import LARGEST, SEARCH_ATTACK, smallest_flips
from nsr_core.data import CLASSES
from nsr_core.errors import UserError
from nsr_core.evaluation.robustness import predict
from nsr_core.recordings import reading
from nsr_core.recordings.beats import cut_recording
from nsr_core.recordings.likeness import distances, load_likeness
from nsr_core.recordings.limits import LIMITS
from nsr_core.recordings.quality import REASONS
from nsr_core.recordings.reading import compare_with_training, probabilities, read_recording_beats, read_with
from nsr_core.recordings.sample import sample_recording
from nsr_core.training.checkpoint import Checkpoint, load_checkpoint
from nsr_core.training.config import paper_config
from tests.conftest import REPOSITORY
from tests.recordings import good
from tests.recordings.heart import beat_train, even_beats, marks_at, recording

pytestmark = pytest.mark.slow

SHIPPED = REPOSITORY / "checkpoints"
MLP_CE, MLP_JACOB = str(SHIPPED / "mlp-ce"), str(SHIPPED / "mlp-jacob")
AT = even_beats(9)
#: Of the nine beats the second is ventricular; the sixth cannot be used.
SYMBOLS, SPOILT = "NVNNNNNNN", 5
OWN_COLUMNS = ["beat", "time_s", "left_out", "marked", "range_mv", "unlikeness", "unlike"]
NETWORK_COLUMNS = [
    "class",
    "p",
    "searched",
    "flips at",
    "flips at mV",
    "proved to",
    "stands over",
    "proved for all cuts",
    "proved for all cuts mV",
]


@pytest.fixture
def quick(monkeypatch):
    """The search with half of its steps, where what it finds is not what is tested."""
    short = functools.partial(smallest_flips, attack=WideAPGD(steps=20, random_start=False))
    monkeypatch.setattr(reading, "smallest_flips", short)


@pytest.fixture(scope="module")
def signal():
    count = int(AT[-1]) + 150
    made = beat_train(count, AT) + 1e-3 * np.random.default_rng(0).standard_normal(count)
    made[AT[SPOILT] + 150] = np.nan
    return made


@pytest.fixture(scope="module")
def cut(signal):
    return cut_recording(recording(signal), "II")


@pytest.fixture(scope="module")
def marked(signal):
    return cut_recording(recording(signal, marks=marks_at(AT, SYMBOLS)), "II", use_marks=True)


@pytest.fixture(scope="module")
def mlps():
    return [load_checkpoint(MLP_CE), load_checkpoint(MLP_JACOB)]


@pytest.fixture
def cnn():
    """As it begins, untrained."""
    return Checkpoint(Path("cnn-fresh"), toys.fresh("cnn"), paper_config("cnn", "ce"), {}, "0" * 12)


@pytest.fixture(scope="module")
def result(cut, mlps):
    torch.set_num_threads(1)  # made before the fixture that sees to it
    return read_recording_beats(cut, mlps, prove=True, seed=3)


# What is shown


def test_each_network_reads_every_usable_beat(result, cut, mlps):
    assert list(result.networks) == ["mlp-ce", "mlp-jacob"]
    assert len(cut.row) == 6
    for checkpoint in mlps:
        read = result.networks[checkpoint.name]
        assert (read.checkpoint, read.weights) == (checkpoint.name, checkpoint.digest)
        assert read.probability.shape == (6, 5)
        np.testing.assert_allclose(read.probability.sum(axis=1), 1, rtol=1e-5)
        assert read.label.tolist() == predict(checkpoint.network, cut.beats.x).tolist()
        np.testing.assert_array_equal(read.probability, probabilities(checkpoint.network, cut.beats.x))
        np.testing.assert_allclose(read.flips_at, smallest_flips(checkpoint.network, cut.beats, seed=3))
    assert result.seed == 3


def test_what_is_proved_lies_below_what_was_found(result):
    for read in result.networks.values():
        assert np.isfinite(read.certified).all()
        assert (read.certified > 0).all()
        assert (read.certified <= np.where(np.isnan(read.flips_at), 1.0, read.flips_at)).all()
        assert (read.flips_at[np.isfinite(read.flips_at)] <= LARGEST).all()


def test_how_unlike_a_beat_is(result, cut):
    likeness = load_likeness()
    distance = distances(likeness, cut.beats)
    np.testing.assert_allclose(result.unlikeness, distance)
    assert result.unlike.tolist() == (distance > likeness.limit).tolist()
    assert result.unlike_from == likeness.limit


def test_noise_is_unlike_and_said_to_be():
    at = even_beats(6)
    noise = np.random.default_rng(0).standard_normal(int(at[-1]) + 100)
    made = cut_recording(recording(noise, marks=marks_at(at, "NNNNNN")), "II", use_marks=True)
    assert compare_with_training(made, {}).unlike.all()


def test_without_a_wish_for_proofs_there_are_none(quick, cut, mlps):
    read = read_with(mlps[0], cut)
    assert np.isnan(read.certified).all()


def test_a_proof_that_takes_seconds_a_beat_is_not_begun(quick, cut, cnn, mlps):
    seen = []
    result = read_recording_beats(cut, [mlps[0], cnn], prove=True, progress=lambda *args: seen.append(args[:2]))
    assert np.isnan(result.networks["cnn-fresh"].certified).all()
    assert np.isfinite(result.networks["mlp-ce"].certified).all()
    assert result.table()["cnn-fresh proved to"].isna().all()
    assert seen[-1] == (242 * 6, 242 * 6)


# Tables


def test_the_table_has_a_row_for_each_beat_and_columns_for_each_network(result, cut):
    table = result.table()
    assert list(table) == OWN_COLUMNS + [f"{name} {what}" for name in result.networks for what in NETWORK_COLUMNS]
    assert table["beat"].tolist() == [f"{cut.key}:{sample}" for sample in AT[:-1]]
    assert table["time_s"].tolist() == (AT[:-1] / 360).round(3).tolist()
    assert table["left_out"].tolist() == [
        REASONS.get({SPOILT: "missing", 7: "end"}.get(row, ""), "") for row in range(8)
    ]
    assert set(table["marked"]) == {""}


def test_a_usable_beat_s_row_tells_what_was_read(result, cut):
    table = result.table()
    for number, row in enumerate(cut.row.tolist()):
        spread = float(cut.beats.mv_range[number])
        assert table.loc[row, "range_mv"] == pytest.approx(spread, abs=6e-5)
        assert table.loc[row, "unlikeness"] == pytest.approx(result.unlikeness[number], abs=6e-4)
        assert table.loc[row, "unlike"] == result.unlike[number]
        for name, read in result.networks.items():
            value = table.loc[row]
            assert value[f"{name} class"] == CLASSES[read.label[number]]
            assert value[f"{name} p"] == pytest.approx(read.probability[number].max(), abs=6e-5)
            found, proved = read.flips_at[number], read.certified[number]
            # Rounded so that both still hold: what was found up, what is proved down.
            if np.isnan(found):
                assert np.isnan(value[f"{name} flips at"])
            else:
                assert 0 <= value[f"{name} flips at"] - found < 1.1e-5
                assert 0 <= value[f"{name} flips at mV"] - found * spread < 1.1e-5
            assert 0 <= proved - value[f"{name} proved to"] < 1.1e-5


def test_noise_is_in_millivolts_where_they_are_known_and_its_median_counts_the_unchanged(result):
    noise = result.noise("mlp-ce")
    np.testing.assert_allclose(noise, result.networks["mlp-ce"].flips_at * result.cut.beats.mv_range)
    assert result.median_noise("mlp-ce") == pytest.approx(np.median(np.where(np.isnan(noise), np.inf, noise)))
    unknown = dataclasses.replace(
        result, cut=dataclasses.replace(result.cut, lead=dataclasses.replace(result.cut.lead, in_mv=False))
    )
    np.testing.assert_array_equal(unknown.noise("mlp-ce"), result.networks["mlp-ce"].flips_at)
    never = dataclasses.replace(result.networks["mlp-ce"], flips_at=np.full(len(noise), np.nan))
    assert dataclasses.replace(result, networks={"mlp-ce": never}).median_noise("mlp-ce") == np.inf


def test_of_a_beat_left_out_only_why_is_told(result):
    row = result.table().loc[SPOILT]
    assert row[OWN_COLUMNS[:4]].notna().all()
    assert row[OWN_COLUMNS[4:]].isna().all()
    assert row[[f"{name} {what}" for name in result.networks for what in NETWORK_COLUMNS]].isna().all()


def test_counts_of_each_network_add_up(result, cut):
    counts = result.counts()
    assert list(counts) == ["class", "mlp-ce", "mlp-jacob"]
    assert counts["class"].tolist() == list(CLASSES)
    for name, read in result.networks.items():
        assert counts[name].sum() == len(cut.row)
        assert counts[name].tolist() == [int((read.label == label).sum()) for label in range(5)]


def test_marks_are_told_and_decide_the_class_of_a_beat(quick, marked, mlps):
    result = read_recording_beats(marked, mlps[:1])
    assert result.table()["marked"].tolist() == list(SYMBOLS[:-1])
    beats = result.beats_for("mlp-ce")
    assert beats.y.tolist() == [CLASSES.index(SYMBOLS[row]) for row in marked.row.tolist()]
    assert result.facts()["beats_from"] == "marks"


def test_without_marks_a_beat_is_of_the_class_that_was_read(result, cut):
    for name, read in result.networks.items():
        beats = result.beats_for(name)
        assert beats.y.tolist() == read.label.tolist()
        assert beats.y.dtype == np.int64
        assert beats.names().tolist() == cut.beats.names().tolist()
        np.testing.assert_array_equal(beats.x, cut.beats.x)


def test_of_an_unknown_unit_no_mv_are_told(quick, signal, mlps):
    result = read_recording_beats(cut_recording(recording(signal, unit=""), "II"), mlps[:1])
    table = result.table()
    assert table["range_mv"].isna().all()
    assert table["mlp-ce flips at mV"].isna().all()
    assert table["mlp-ce flips at"].notna().any()
    assert result.facts()["in_mv"] is False
    json.dumps(result.to_json(), allow_nan=False)


# Facts


def test_the_facts_name_all_that_was_chosen(result, cut):
    facts = result.facts()
    assert {name: facts[name] for name in ("recording", "recording_sha256", "lead", "recorded_at_hz", "in_mv")} == {
        "recording": "made",
        "recording_sha256": "d" * 64,
        "lead": "II",
        "recorded_at_hz": 360.0,
        "in_mv": True,
    }
    assert (facts["start_s"], facts["seconds"]) == (0.0, round(len(cut.lead.signal) / 360, 3))
    assert (facts["beats_from"], facts["beats_found"], facts["beats_read"]) == ("detector", 8, 6)
    assert facts["weights"] == {name: read.weights for name, read in result.networks.items()}
    noise = facts["noise"]
    assert (noise["attack"], noise["steps"], noise["seed"]) == (SEARCH_ATTACK.name, SEARCH_ATTACK.steps, 3)
    assert (noise["signal_only"], noise["protocol"], noise["largest_level"]) == (True, "custom", 0.3)
    assert "Not for clinical use" in facts["use"]


def test_json_holds_no_nan_and_nothing_that_is_not_plain(result):
    value = result.to_json()
    assert json.loads(json.dumps(value, allow_nan=False)) == value
    assert [row["class"] for row in value["counts"]] == list(CLASSES)
    assert len(value["rows"]) == 8
    left_out = value["rows"][SPOILT]
    assert (left_out["left_out"], left_out["unlike"], left_out["mlp-ce class"]) == (REASONS["missing"], None, None)
    assert {type(row["unlike"]) for row in value["rows"]} == {bool, type(None)}


def test_json_is_plain_where_only_the_last_beat_is_left_out(quick, mlps):
    made = cut_recording(sample_recording(), "synthetic", stop_s=6.0)
    assert len(made.row) == len(made.sample) - 1
    value = read_recording_beats(made, mlps[:1]).to_json()
    assert json.loads(json.dumps(value, allow_nan=False)) == value


# Progress and refusals


def test_progress_counts_beats_read_searched_and_proved_over_all_networks(quick, cut, mlps):
    for prove, total in ((False, 132), (True, 1452)):
        seen = []
        read_recording_beats(cut, mlps, prove=prove, progress=lambda *args, seen=seen: seen.append(args))
        done = [args[0] for args in seen]
        assert done == sorted(done)
        assert {args[1] for args in seen} == {total}
        assert done[-1] == total
        assert all(what for _, _, what in seen)


class Enough(Exception):
    pass


def test_raising_from_progress_stops_the_work(quick, cut, mlps):
    def stop(done, total, what):
        raise Enough

    with pytest.raises(Enough):
        read_recording_beats(cut, mlps, progress=stop)


def test_a_recording_of_which_no_beat_can_be_used_is_refused(signal, mlps):
    spoilt = signal.copy()
    spoilt[AT + 50] = np.nan
    with pytest.raises(UserError, match=r"None of the 8 beats in II can be used\. Choose another lead"):
        read_recording_beats(cut_recording(recording(spoilt), "II"), mlps)


def test_two_networks_of_one_name_are_refused(cut, mlps):
    with pytest.raises(UserError, match="Two of the networks are called mlp-ce"):
        read_recording_beats(cut, [mlps[0], mlps[1], mlps[0]])


# The command


@pytest.fixture
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def read(cli, quick, own_folder):
    """``read("sample", "--json")``: the command with one model and the quick search."""

    def run(*arguments, models=MLP_CE):
        status, out, err = cli("read", *arguments, "--models", models)
        assert status == 0, err
        return out

    return run


def test_the_sample_is_read_in_words(read):
    out = read("sample", "--stop", "8", models=f"{MLP_CE}, {MLP_JACOB}")
    assert out.startswith("synthetic sample, lead synthetic, 8 s from 0 s on: ")
    assert "Most fragile readings of mlp-ce" in out
    assert "not for clinical use" in out
    assert "nan" not in out
    rows = re.findall(r"^\d+\.\d\d +[NSVFQ] +0\.\d+ +(0\.\d+) +0\.\d+ +- +\d+$", out, re.MULTILINE)
    assert 5 <= len(rows) <= 10
    assert sorted(rows, key=float) == rows
    left = read("sample", "--start", "70", "--stop", "80")
    assert f": {REASONS['flat']}" in left


def test_the_sample_is_read_for_machines(read):
    value = json.loads(read("sample", "--stop", "6", "--prove", "--json"))
    assert (value["recording"], value["lead"], value["seconds"]) == ("synthetic sample", "synthetic", 6.0)
    assert list(value["weights"]) == ["mlp-ce"]
    assert len(value["rows"]) == value["beats_found"]
    assert all(
        0 < row["mlp-ce proved to"] <= (row["mlp-ce flips at"] or 1) for row in value["rows"] if not row["left_out"]
    )


def test_all_beats_can_be_written_to_a_csv_file(read, own_folder):
    value = json.loads(read("sample", "--start", "70", "--stop", "80", "--csv", "out/beats.csv", "--json"))
    table = pd.read_csv(own_folder / "out" / "beats.csv")
    assert list(table) == list(value["rows"][0])
    assert len(table) == value["beats_found"] > value["beats_read"]
    assert table["beat"].tolist() == [row["beat"] for row in value["rows"]]
    assert table["left_out"].isna().sum() == value["beats_read"]


def test_a_csv_file_is_read_with_the_rate_and_the_unit_given(read, own_folder, signal):
    at_360 = np.where(np.isnan(signal), 0, signal) * 1000
    (own_folder / "mine.csv").write_text("\n".join(["II", *map("{:.2f}".format, at_360)]))
    value = json.loads(read("mine.csv", "--fs", "360", "--unit", "uV", "--lead", "II", "--json"))
    assert (value["recording"], value["lead"], value["recorded_at_hz"], value["in_mv"]) == ("mine", "II", 360.0, True)
    assert value["beats_found"] == 8
    assert value["rows"][0]["range_mv"] == pytest.approx(1.25, abs=0.05)


@pytest.mark.parametrize("path", ["r1.hea", "r1"])
def test_a_wfdb_record_is_read_by_its_marks(read, own_folder, path):
    """Ten marks, 250 samples apart from sample 125 on: nine windows."""
    samples = np.round(sample_recording().channels[0].signal[:3600] * 1000).astype("<i2")
    (own_folder / "r1.hea").write_text("r1 1 360 3600\nr1.dat 16 1000(0)/mV 16 0 0 0 0 MLII\n")
    (own_folder / "r1.dat").write_bytes(samples.tobytes())
    (own_folder / "r1.atr").write_bytes(good.annotation_file())
    value = json.loads(read(path, "--marks", "--json"))
    assert (value["recording"], value["lead"], value["recorded_at_hz"]) == ("r1", "MLII", 360)
    assert (value["beats_from"], value["beats_found"]) == ("marks", 9)
    assert [row["time_s"] for row in value["rows"]] == pytest.approx((125 + 250 * np.arange(9)) / 360, abs=0.001)
    assert {row["marked"] for row in value["rows"]} == {"N"}


def test_a_real_record_is_read_by_its_path(read, mitdb_root):
    value = json.loads(read(mitdb_root / "119", "--lead", "V1", "--start", "60", "--stop", "70", "--json"))
    assert (value["recording"], value["lead"], value["start_s"]) == ("119", "V1", 60.0)
    assert value["beats_read"] >= 7
    assert value["rows"][0]["time_s"] >= 60


def test_of_a_recording_that_is_longer_than_is_read_at_once_the_rest_is_named(read, monkeypatch):
    """36 s are read at once of the sample's two minutes; 5 beats of them are searched."""
    limited = dataclasses.replace(LIMITS, at_once_hours=0.01)
    for module in ("nsr_core.cli.read", "nsr_core.recordings.grid"):
        monkeypatch.setattr(f"{module}.LIMITS", limited)
    out = read("sample", "--search", "5")
    assert "Note: the recording lasts 2 min, and 36 s are read at once. The rest: --start 36" in out
    assert re.search(
        r"mlp-ce: Smallest noise searched for 5 of \d+ beats: the 2 that look most fragile and 3 spread evenly", out
    )
    assert "Note" not in read("sample", "--start", "90", "--search", "5")


#: What is asked for, and what the one line must say. NORATE is a CSV file without a rate.
BAD = [
    ("read", "Missing argument"),
    ("read nowhere.csv", '"nowhere.csv" is not a file'),
    ("read .", "is not a file"),
    ("read NORATE", "sampl"),
    ("read NORATE --fs 9", "sampling rate is 9 Hz"),
    ("read NORATE --fs nan", "sampling rate is nan Hz"),
    ("read NORATE --fs quick", "--fs"),
    ("read sample --lead V5", 'no lead "V5". Choose one of: synthetic'),
    ("read sample --marks", "came without marks"),
    ("read sample --unit banana", 'no unit "banana". Give one of mV, uV, V, nV'),
    ("read sample --unit ''", 'no unit ""'),
    ("read sample --start -1", "--start"),
    ("read sample --start nan", "--start"),
    ("read sample --start 119", "must lie in the recording"),
    ("read sample --stop 2", "must lie in the recording"),
    ("read sample --stop nan", "must lie in the recording"),
    ("read sample --start 72.3 --stop 75.4", "No two heartbeats were found"),
    ("read sample --models nowhere", "holds no checkpoint"),
    ("read sample --models ''", "holds no checkpoint"),
    ("read sample --stop 5 --models CE,CE", "Two of the networks are called mlp-ce"),
    ("read sample --seed -1", "--seed"),
    ("read sample --search none", '--search is "none", expected "all" or a number of beats from 1'),
    ("read sample --search 0", '--search is "0"'),
    ("read sample --csv NORATE/x.csv --stop 5 --models CE", "NORATE"),
]


@pytest.mark.parametrize(("line", "message"), BAD)
def test_what_cannot_be_read_ends_with_one_line_and_status_2(cli, quick, own_folder, line, message):
    norate = own_folder / "plain.csv"
    norate.write_text("\n".join(["II", *(str(value % 7) for value in range(2000))]))
    arguments = [part.strip("'") for part in line.replace("CE", MLP_CE).replace("NORATE", str(norate)).split(" ")]
    if "--models" not in arguments and len(arguments) > 1:
        arguments += ["--models", MLP_CE]
    status, out, err = cli(*arguments)
    errors = [text for text in err.splitlines() if "%" not in text]
    assert (status, out, len(errors)) == (2, "", 1)
    assert errors[0].startswith("Error: ")
    assert message.replace("NORATE", str(norate)) in errors[0]
    assert [path.name for path in own_folder.iterdir()] == ["plain.csv"]
