"""The twelve tables: every published cell, ours beside it, and what a heading says."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from toys import mean_absolute_difference

from nsr_core.evaluation.metrics import accuracy, bootstrap_counts, confusion, interval
from nsr_core.evaluation.table import load_table, outcomes
from nsr_core.paper.cells import cells, courses
from nsr_core.paper.claims import CLAIMS, check_claim
from nsr_core.paper.published import paper_tables
from nsr_core.paper.replication import published_and_ours
from nsr_core.paper.report import compare
from nsr_core.paper.tables import claims_markdown, heading, summarise_methods, table_markdown, write_tables
from nsr_core.training.checkpoint import load_checkpoint

SHIPPED = Path(__file__).resolve().parents[2] / "checkpoints"


def change_card(folder, change):
    card = json.loads((folder / "card.json").read_text())
    change(card)
    (folder / "card.json").write_text(json.dumps(card))


@pytest.fixture(scope="module")
def seeds(tmp_path_factory):
    """The shipped MLP ce as if trained from seeds 0 and 1, the second with ACC 0.02 higher everywhere."""
    root = tmp_path_factory.mktemp("seeds")
    folders = [shutil.copytree(SHIPPED / "mlp-ce", root / f"mlp-ce-{seed}") for seed in (0, 1)]
    change_card(folders[1], lambda card: card["config"].update(seed=1))
    summary = pd.read_csv(folders[1] / "robustness.csv")
    summary["acc_alone"] += 0.02
    summary.to_csv(folders[1] / "robustness.csv", index=False)
    return folders


@pytest.fixture(scope="module")
def part(tmp_path_factory):
    """The shipped MLP ce as if PGD had met a part of the test split."""
    folder = shutil.copytree(SHIPPED / "mlp-ce", tmp_path_factory.mktemp("part") / "mlp-ce")
    change_card(
        folder, lambda card: card["results"]["attacks"]["pgd"].update(beats="up to 500 test beats of each class")
    )
    return folder


def test_every_published_cell_is_there_and_what_is_missing_says_why(seeds):
    rows = cells(seeds)
    assert len(rows) == 756
    assert rows["paper"].tolist() == paper_tables()["value"].tolist()
    ours = (rows["network"] == "mlp") & (rows["method"] == "ce")
    assert (rows["ours"].notna() == ours).all()
    assert ((rows["missing"] == "") == ours).all()
    assert set(rows.loc[~ours, "missing"]) == {"no checkpoint yet"}
    assert rows.loc[ours, "difference"].to_numpy() == pytest.approx((rows["ours"] - rows["paper"])[ours].to_numpy())


def test_without_any_checkpoint_all_756_are_missing(tmp_path):
    rows = cells([tmp_path / "nowhere"])
    assert len(rows) == 756
    assert (rows["missing"] == "no checkpoint yet").all()
    assert "Nothing evaluated yet" in heading(rows[rows["table"] == 7])
    assert courses([tmp_path / "nowhere"]).empty


def test_mean_and_spread_over_the_seeds(seeds):
    """The mean lies 0.01 above the first; two values 0.02 apart have the standard deviation 0.02 / sqrt 2."""
    both, first = (rows[(rows["table"] == 5) & (rows["method"] == "ce")] for rows in (cells(seeds), cells(seeds[:1])))
    assert both["ours"].to_numpy() == pytest.approx(first["ours"].to_numpy() + 0.01)
    assert both["spread"].to_numpy() == pytest.approx(np.full(7, 0.02 / np.sqrt(2)))
    assert set(both["seeds"]) == {"0, 1"}
    assert both["low"].isna().all()
    assert first["spread"].isna().all()
    text = table_markdown(both)
    assert f"{both['ours'].iloc[0]:.2f} ± 0.01 ({both['paper'].iloc[0]:.2f}, " in text
    assert "Training seed 0, 1." in text


def test_intervals_are_of_the_numbers_shown(part):
    """Each noise level alone, as the cell is."""
    rows = cells([part])
    row = rows[(rows["table"] == 5) & (rows["method"] == "ce") & (rows["eps"] == 0.03)].iloc[0]
    found = outcomes(load_table(part / "robustness.parquet"), "pgd", 100)
    found = found[found["eps"] == 0.03]
    counts = confusion(found["y"].to_numpy(), found["pred_alone"].to_numpy())
    assert (row["low"], row["high"]) == pytest.approx(interval(accuracy(bootstrap_counts(counts))))
    assert row["low"] < row["ours"] < row["high"]
    assert f"{row['ours']:.2f} [{row['low']:.2f}, {row['high']:.2f}] ({row['paper']:.2f}, " in table_markdown(
        rows[rows["table"] == 5]
    )


def test_a_heading_says_protocol_epochs_beats_and_departures(seeds, part):
    whole, fewer = (heading(rows[rows["table"] == 5]) for rows in (cells(seeds[:1]), cells([part])))
    assert whole.startswith(
        "### Table 5: ACC, MLP, 100-PGD\n\nProtocol paper. 50 epochs. 21,892 test beats. Training seed 0."
    )
    assert "Departs" not in whole
    assert "up to 500 test beats of each class instead of the full test split" in fewer
    assert "a stratified part of the test split" in fewer
    spsa = cells([part])
    assert "stratified" not in heading(spsa[spsa["table"] == 9])


def test_a_quick_trial_says_so_in_every_heading(seeds):
    rows = cells(seeds[:1])
    for _, table in rows.groupby("table"):
        assert "QUICK TRIAL" in heading(table, quick=True).splitlines()[0]
        assert "QUICK TRIAL" not in heading(table)


def test_a_summary_by_method_holds_the_distances_to_the_paper(seeds):
    summary = summarise_methods(cells(seeds[:1]))
    assert len(summary) == 18
    row = summary[(summary["network"] == "mlp") & (summary["method"] == "ce")].iloc[0]
    card = load_checkpoint(seeds[0]).card["results"]
    distances = mean_absolute_difference(compare(seeds[:1]))
    assert row["pgd20_acc"] == pytest.approx(distances["1"], abs=1e-4)
    assert row["spsa_prec"] == pytest.approx(distances["10"], abs=1e-4)
    assert row["clean_acc"] == pytest.approx(card["clean"]["acc"], abs=1e-5)


def test_all_is_written(tmp_path, seeds):
    checkpoint = load_checkpoint(seeds[0])
    tables = tmp_path / "tables"
    value = write_tables(seeds[:1], {("mlp", "ce")}, tables)
    files = list(map(Path, value["files"]))
    assert len(files) == 2 * 12 + 4
    assert sum(len(pd.read_csv(path)) for path in files if re.match(r"table-\d+.csv", path.name)) == 756
    assert set(pd.read_csv(tables / "table-05.csv")["missing"].dropna()) == {"not asked for"}
    text = (tables / "tables.md").read_text()
    assert all(f"### Table {number}: " in text for number in range(1, 13))
    assert "read from one run of 100 steps" in text
    assert '"mended" counts these' in text
    course = pd.read_csv(tables / "courses.csv")
    assert len(course) == 50
    tenth = course[course["epoch"] == 10].iloc[0]
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {checkpoint.name} | ") and " / " in line]
    assert line.split(" | ")[3] == f"{tenth['val_acc']:.2f} / {tenth['val_pgd_acc']:.2f}"
    last = course.iloc[-1]
    assert line.split(" | ")[-2:] == [f"{last['val_acc']:.2f} / {last['val_pgd_acc']:.2f}", "50 |"]
    assert json.loads((tables / "reproduction.json").read_text()) == value


def test_each_ordering_is_told_level_by_level():
    """With the paper's own values as ours, both columns agree; with one cell changed, the claim fails there and the rival is named."""
    published = published_and_ours([])
    rows = published.assign(ours=published["paper"], protocol="paper")
    lines = claims_markdown([check_claim(claim, rows) for claim in CLAIMS]).splitlines()[2:]
    for claim, line in zip(CLAIMS, lines, strict=True):
        levels = len(claim.eps)
        result = f"**0 of {levels}**" if claim.than_attack else f"{levels} of {levels}"
        assert line.split(" | ")[2:5] == [claim.text, result, result]
    cell = (rows["table"] == 7) & (rows["method"] == "adv0.1") & (rows["eps"] == 0.1)
    changed = rows.assign(ours=rows["ours"].mask(cell, 0.9))
    claim = next(claim for claim in CLAIMS if (claim.figure, claim.metric, claim.over) == (2, "acc", ()))
    line = claims_markdown([check_claim(claim, changed)]).splitlines()[-1]
    assert line.endswith("| 6 of 6 | **5 of 6** | 0.710 at 0.1 | adv0.1 0.900 |")
    nothing = claims_markdown([check_claim(claim, published)]).splitlines()[-1]
    assert nothing.endswith("| 6 of 6 | open | - | - |")
