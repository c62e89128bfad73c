"""The verdict: the strongest of all attacks, beside the published number and the proof, on the same beats."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from nsr_core.attacks.worst_case import first_steps
from nsr_core.certificates import certify, load_certificates
from nsr_core.certificates.table import save_certificates
from nsr_core.errors import UserError
from nsr_core.evaluation.assignment import PAPER_PLAN, WORST_CASE_PLAN
from nsr_core.evaluation.evaluate import evaluate
from nsr_core.evaluation.table import load_table, save_table
from nsr_core.verdict.levels import VERDICT_FILE, at, keep_levels, levels_of, read_levels, table_of
from nsr_core.verdict.verdict import SIGNAL, WHOLE, breaks, read_verdict, verdict

pytestmark = pytest.mark.slow

EPS = (0.01, 0.1)
#: Five beats of classes 0 to 4; the last is misread without noise.
Y, CLEAN = [0, 1, 2, 3, 4], [0, 1, 2, 3, 0]
#: Where the second attack of the plan, PGD, begins.
PGD_STEP = first_steps("standard")[1]


@pytest.fixture
def table(make_table):
    """fgsm breaks beat 0 at once; PGD beat 1 at 0.1; beat 2 falls to spsa alone, at 0.1; beat 3 to nothing."""
    whole = make_table(
        [[0, -1, -1, -1, -2], [-3, PGD_STEP + 4, -1, -1, -2]],
        [[1, 1, 2, 3, 0], [1, 0, 2, 3, 0]],
        Y,
        CLEAN,
        EPS,
        WHOLE,
    )
    signal = make_table(
        [[-1, -1, -1, -1, -2], [1, -1, -1, -1, -2]], [[0, 1, 2, 3, 0], [1, 1, 2, 3, 0]], Y, CLEAN, EPS, SIGNAL
    )
    pgd = make_table(
        [[3, -1, -1, -1, -2], [-1, -1, -1, -1, -2]], [[1, 1, 2, 3, 0], [0, 1, 2, 3, 0]], Y, CLEAN, EPS, "pgd"
    )
    spsa = make_table(
        [[-1, -1, -1, -1, -2], [-1, -1, 7, -1, -2]], [[0, 1, 2, 3, 0], [0, 1, 0, 3, 0]], Y, CLEAN, EPS, "spsa"
    )
    return pd.concat([whole, signal, pgd, spsa], ignore_index=True)


@pytest.fixture
def certificates(table):
    first = table[(table["attack"] == WHOLE) & (table["eps"] == EPS[0])]
    return first[["record", "sample", "y", "clean"]].assign(certified=np.float32([0, 0.02, 0.005, 0.2, 0]))


def test_every_beat_is_named_with_what_broke_it_first(table, certificates):
    beats = verdict(table, "standard", certificates).beats
    assert beats["by"].tolist() == ["fgsm", "pgd", "spsa", "", ""]
    np.testing.assert_array_equal(beats["broken"], [0.01, 0.1, 0.1, np.nan, 0.0])
    np.testing.assert_allclose(beats["certified"], [0, 0.02, 0.005, 0.2, 0])


def test_breaks_are_counted_by_level_and_attack(table):
    counts = breaks(verdict(table, "standard"))
    assert counts.loc[0.01].to_dict() == {"fgsm": 1, "pgd": 0, "spsa": 0}
    assert counts.loc[0.1].to_dict() == {"fgsm": 0, "pgd": 1, "spsa": 1}


def test_levels_count_all_attacks_and_the_published_one_alone(table, certificates):
    """Of five beats of five classes, each right one is worth a fifth."""
    levels = verdict(table, "standard", certificates).levels.set_index("eps")
    assert levels.index.tolist() == [0.0, *EPS]
    assert levels["worst"].tolist() == pytest.approx([0.8, 0.6, 0.2])
    assert levels["published"].tolist() == pytest.approx([0.8, 0.6, 0.8])  # PGD missed beat 0 at 0.1
    assert levels["signal"].tolist() == pytest.approx([0.8, 0.8, 0.6])
    assert levels["signal_worst"].tolist() == levels["worst"].tolist()
    assert levels["proved"].tolist() == pytest.approx([0.8, 0.4, 0.2])
    assert (levels[["beats", "signal_beats"]] == 5).all(axis=None)


def test_noise_on_the_signal_only_may_be_known_of_fewer_beats(table):
    """Of the beats of classes 0 to 2, each right one is worth a third, whichever samples the noise is on."""
    levels = verdict(table[(table["attack"] != SIGNAL) | (table["sample"] < 3)], "standard").levels.set_index("eps")
    assert levels["worst"].tolist() == pytest.approx([0.8, 0.6, 0.2])
    assert levels["signal"].tolist() == pytest.approx([1.0, 1.0, 2 / 3])
    assert levels["signal_worst"].tolist() == pytest.approx([1.0, 2 / 3, 0.0])
    assert (levels["signal_beats"] == 3).all()


def test_what_is_not_there_is_not_a_number(table):
    alone = verdict(table[table["attack"] == WHOLE], "standard")
    assert alone.levels[["published", "signal", "signal_worst", "proved"]].isna().all(axis=None)
    assert (alone.levels["signal_beats"] == 0).all()
    assert alone.levels["worst"].tolist() == pytest.approx([0.8, 0.6, 0.4])


def test_an_attack_on_fewer_beats_breaks_them_and_has_no_column(table, certificates):
    fewer = table[(table["attack"] != "pgd") | (table["sample"] < 3)]
    found = verdict(fewer, "standard", certificates)
    assert found.levels["published"].isna().all()
    assert found.levels["worst"].tolist() == pytest.approx([0.8, 0.6, 0.2])


def test_beats_without_a_worst_case_do_not_count(table, certificates, make_table):
    more = make_table([[5]] * 2, [[0]] * 2, [1], [1], EPS, "pgd").assign(record="900")
    pd.testing.assert_frame_equal(
        verdict(pd.concat([table, more]), "standard", certificates).levels,
        verdict(table, "standard", certificates).levels,
    )


def test_a_contradicted_certificate_is_an_error(table, certificates):
    with pytest.raises(UserError, match="1 beats were broken at a level at which they are certified"):
        verdict(table, "standard", certificates.assign(certified=np.float32([0.05, 0, 0, 0, 0])))


def test_a_level_that_was_not_attacked_is_named(table):
    with pytest.raises(UserError, match=r"no worst case at 0\.2; there is at 0, 0\.01, 0\.1"):
        at(verdict(table, "standard").levels, 0.2)


def test_certificates_of_the_signal_only_prove_nothing_of_the_whole(checkpoint_folder, demo_beats, demo_split):
    """Such a beat may be broken by noise on its padding within its certificate, which is no contradiction."""
    plan = {"worst-case": replace(WORST_CASE_PLAN["worst-case"], eps_grid=(0.02,), per_class=3)}
    evaluate(checkpoint_folder, demo_beats, demo_split, plan)
    certify(checkpoint_folder, demo_beats, demo_split, per_class=3, spread=True, signal_only=True)
    assert read_verdict(checkpoint_folder).levels["proved"].isna().all()


def test_of_a_checkpoint(checkpoint_folder, demo_beats, demo_split):
    """Evaluated and certified by the project's own commands: proof below worst case below published, and in order of eps."""
    assert read_verdict(checkpoint_folder) is None
    plan = {
        name: replace(task, eps_grid=(0.01, 0.05), per_class=4, spread=True)
        for name, task in (PAPER_PLAN | WORST_CASE_PLAN).items()
        if name != "spsa"
    }
    evaluate(checkpoint_folder, demo_beats, demo_split, plan)
    certify(checkpoint_folder, demo_beats, demo_split, per_class=4, spread=True)
    found = read_verdict(checkpoint_folder)
    levels = found.levels
    assert (levels["proved"] <= levels["worst"]).all()
    assert (levels["worst"] <= levels[["published", "signal"]].min(axis=1)).all()
    assert (levels["low"] <= levels["worst"]).all()
    assert (levels["worst"] <= levels["high"]).all()
    assert levels["worst"].is_monotonic_decreasing
    assert levels["proved"].is_monotonic_decreasing
    assert ((found.beats["by"] == "") == (found.beats["broken"].isna() | (found.beats["broken"] == 0))).all()
    assert (found.beats["certified"] < found.beats["broken"].fillna(np.inf)).mean() > 0.5
    row = table_of({"one": levels}, 0.05).iloc[0]
    assert row["checkpoint"] == "one"
    assert row["clean"] == levels["worst"].iloc[0]
    assert row["gap"] == pytest.approx(row["published"] - row["worst"])
    assert row["undecided"] == pytest.approx(row["worst"] - row["proved"])
    assert table_of({"one": levels}, 0.2).empty


# The levels on disk


@pytest.fixture(scope="module")
def judged_once(trained, demo_beats, demo_split, tmp_path_factory):
    """A checkpoint with a worst case and certificates of a few beats."""
    folder = shutil.copytree(trained.folder, tmp_path_factory.mktemp("judged") / "checkpoint")
    plan = {"worst-case": replace(WORST_CASE_PLAN["worst-case"], eps_grid=(0.01, 0.05), per_class=3)}
    evaluate(folder, demo_beats, demo_split, plan)
    certify(folder, demo_beats, demo_split, per_class=3, spread=True)
    keep_levels(folder)
    return folder


@pytest.fixture
def judged(judged_once, tmp_path):
    """A copy of it, to be spoiled."""
    return shutil.copytree(judged_once, tmp_path / "judged")


def mark(folder):
    """Write a number into the kept levels that no results give, and return it."""
    kept = json.loads((folder / VERDICT_FILE).read_text())
    kept["levels"][0]["beats"] = 4321.0
    (folder / VERDICT_FILE).write_text(json.dumps(kept))
    return 4321.0


def test_kept_levels_are_the_verdicts_to_the_bit(judged):
    pd.testing.assert_frame_equal(read_levels(judged), read_verdict(judged).levels.astype(float), check_exact=True)
    marked = mark(judged)
    assert read_levels(judged)["beats"].iloc[0] == marked, "the file was not read"


@pytest.mark.parametrize("change", ["beats", "certificates", "no certificates", "strength", "damage", "no levels"])
def test_kept_levels_of_other_results_are_not_believed(judged, change):
    """Whatever the verdict looks at has changed since, or the file cannot be read: it is computed anew."""
    marked = mark(judged)
    card, certificates = json.loads((judged / "card.json").read_text()), judged / "certificates.parquet"
    if change == "beats":
        table = load_table(judged / "robustness.parquet")
        save_table(table.assign(queries=table["queries"] + 1), judged / "robustness.parquet")
    elif change == "certificates":
        table = load_certificates(certificates)
        save_certificates(table.assign(certified=table["certified"] / 2), certificates)
    elif change == "no certificates":
        certificates.unlink()
    elif change == "strength":
        card["results"]["attacks"]["worst-case"]["attack"]["strength"] = "full"
        (judged / "card.json").write_text(json.dumps(card))
    elif change == "damage":
        (judged / VERDICT_FILE).write_text((judged / VERDICT_FILE).read_text()[:100])
    else:
        kept = json.loads((judged / VERDICT_FILE).read_text())
        (judged / VERDICT_FILE).write_text(json.dumps({"made_from": kept["made_from"]}))
    found = read_levels(judged)
    assert found["beats"].iloc[0] != marked
    pd.testing.assert_frame_equal(found, read_verdict(judged).levels.astype(float), check_exact=True)


def test_the_command_keeps_the_levels(checkpoint_folder, cli):
    """With a worst case; and a later attack brings them up to date."""
    few = ("evaluate", checkpoint_folder, "--eps", "0.05", "--per-class", "3", "--spread", "--attacks")
    for attack, there in ((("pgd", "--seed", "1"), False), (("worst-case",), True)):
        assert cli(*few, *attack)[0] == 0
        assert (checkpoint_folder / VERDICT_FILE).exists() == there
    assert cli(*few, "pgd", "--replace")[0] == 0
    mark(checkpoint_folder)
    assert read_levels(checkpoint_folder)["beats"].iloc[0] == 4321.0


def test_a_folder_without_any_verdict_says_how_to_get_one(checkpoint_folder):
    assert read_levels(checkpoint_folder) is None
    with pytest.raises(UserError, match=r"No checkpoint here has a worst case\. Evaluate one"):
        levels_of([checkpoint_folder])
