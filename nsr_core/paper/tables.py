"""The twelve tables beside the paper's, a summary by method and the paper's orderings, as CSV, JSON and Markdown."""

import json
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from nsr_core.files import write_atomically
from nsr_core.paper.cells import cells, courses
from nsr_core.paper.claims import CLAIMS, CURVE_FIGURES, ClaimResult, Level, check_claim
from nsr_core.paper.replication import table_distances
from nsr_core.paper.report import ATTACK_TITLES, METRIC_TITLES
from nsr_core.writing import markdown, rows_of

ABSENT = "-"
#: Epochs between two columns of the trainings' course.
COURSE_EVERY = 5
QUICK_WARNING = "QUICK TRIAL on few training beats, whose numbers say nothing about a method"
ORDERINGS = "### The orderings that the paper reads from its curves"
HOW_TO_READ = (
    "Each cell: ours (the paper's, ours minus the paper's); ± is the standard deviation over the training seeds, and square "
    "brackets bound 95 % of resamples of the beats where only a part of the paper's test beats is attacked. "
    "20-PGD and 100-PGD are read from one run of 100 steps: a beat stops where it is first misread, and its step is kept. "
    "Each noise level stands alone, as in the paper. The smaller noise lies within the larger, so a beat that is broken at "
    'one level and not at a larger one was only missed there: "mended" counts these, and `acc` in `robustness.csv` has them '
    "broken. SPSA does not attack broken beats again; there the two are the same."
)


def write_tables(
    folders: Sequence[Path], asked: Collection[tuple[str, str]], into: Path, quick: bool = False
) -> dict[str, Any]:
    """Write all tables of what is there so far.

    Args:
        folders: of the checkpoints, those that are not there yet among them.
        asked: (network, method) of the rows that are wanted; the others say that they were not asked for.
        into: the folder to write them to.
        quick: whether they are a trial whose numbers mean nothing.

    Returns:
        What ``reproduction.json`` holds: ``summary`` by method, ``claims``, and the ``files``.
    """
    rows = cells(folders)
    foreign = [pair not in asked for pair in zip(rows["network"], rows["method"], strict=True)]
    rows.loc[foreign, "missing"] = "not asked for"
    texts = [_title(quick), HOW_TO_READ]
    files = []
    for number, table in rows.groupby("table"):
        files.append(into / f"table-{number:02d}.csv")
        _write_csv(table, files[-1])
        files.append(into / f"table-{number:02d}.md")
        texts.append(table_markdown(table, quick))
        _write_text(texts[-1], files[-1])
    summary = summarise_methods(rows)
    results = [check_claim(claim, rows) for claim in CLAIMS]
    texts += [_summary_markdown(summary, quick), ORDERINGS, claims_markdown(results)]
    texts += [courses_markdown(courses(folders))]
    files += [into / name for name in ("summary.csv", "courses.csv", "tables.md", "reproduction.json")]
    _write_csv(summary, files[-4])
    _write_csv(courses(folders), files[-3])
    _write_text("\n\n".join(texts), files[-2])
    value = {
        "quick": quick,
        "summary": rows_of(summary),
        "claims": [_claim_json(result) for result in results],
        "files": [str(path) for path in files],
    }
    _write_text(json.dumps(value, indent=2), files[-1])
    return value


def courses_markdown(result: pd.DataFrame) -> str:
    """What a shorter schedule leaves undone: accuracy on validation beats every few epochs of each training.

    Args:
        result: of ``courses``.
    """
    if result.empty:
        return ""
    epochs = [1, *range(COURSE_EVERY, int(result["epoch"].max()) + 1, COURSE_EVERY)]
    lines = [
        "### On validation beats, over the epochs",
        "",
        "ACC without noise / under 20-PGD at 0.1, the latter on the first 200 validation beats of each class.",
        "",
    ]
    rows = []
    for name, history in result.groupby("checkpoint", sort=False):
        known = history.set_index("epoch")
        shown = [known.loc[epoch] if epoch in known.index else None for epoch in (*epochs, known.index.max())]
        cells_each = [ABSENT if row is None else f"{row['val_acc']:.2f} / {row['val_pgd_acc']:.2f}" for row in shown]
        rows.append((name, *cells_each, known.index.max()))
    return "\n".join([*lines, markdown(("training", *map(str, epochs), "at the end", "epochs"), rows)])


def claims_markdown(results: Sequence[ClaimResult]) -> str:
    """The orderings that the paper reads from its figures: at how many noise levels each holds, and where ours is most telling.

    That is where a claim that holds is closest to failing, and one that fails furthest off.
    """
    header = (
        "network",
        "attack",
        "claim",
        "holds in the paper's table",
        "in ours",
        "most telling",
        "strongest rival there",
    )
    rows = []
    for result in results:
        network, attack = CURVE_FIGURES[result.claim.figure]
        at = result.decisive
        ours = f"{at.value:.3f} at {at.eps:g}" if at else ABSENT
        rival = ABSENT if at is None else ATTACK_TITLES.get(result.claim.than_attack, at.rival)
        row = (
            network.upper(),
            ATTACK_TITLES[attack],
            result.claim.text,
            _held(result.paper),
            _held(result.ours),
            ours,
            f"{rival} {at.rival_value:.3f}" if at else ABSENT,
        )
        rows.append(row)
    return markdown(header, rows, left=header)


def _held(levels: Sequence[Level]) -> str:
    if not levels:
        return "open"
    held = sum(level.holds for level in levels)
    result = f"{held} of {len(levels)}"
    return result if held == len(levels) else f"**{result}**"


def table_markdown(rows: pd.DataFrame, quick: bool = False) -> str:
    """One of the paper's tables, every cell of it; those that are missing say why.

    Args:
        rows: of ``cells``, of one table.
    """
    levels = sorted(rows["eps"].unique())
    shown = []
    for method, row in rows.groupby("method", sort=False):
        there = row[row["missing"] == ""]
        distance = f"{there['difference'].abs().mean():.3f}" if len(there) else ABSENT
        mended = f"{int(there['mended'].sum()):,}" if len(there) else ABSENT
        shown.append((method, *map(_cell, row.to_dict("records")), distance, mended))
    table = markdown(("method", *(f"{level:g}" for level in levels), "mean distance", "mended"), shown)
    why = _by_method(rows[rows["missing"] != ""], rows, "missing", str)
    return "\n".join([heading(rows, quick), "", table, *(["", f"Missing: {'; '.join(why)}."] if why else [])])


def heading(rows: pd.DataFrame, quick: bool = False) -> str:
    """What a table is; and by which protocol, after how many epochs, on how many beats, from which seeds.

    Args:
        rows: of ``cells``, of one table.
    """
    first, there = rows.iloc[0], rows[rows["missing"] == ""]
    title = f"Table {first['table']}: {METRIC_TITLES[first['metric']]}, {first['network'].upper()}, {ATTACK_TITLES[first['attack']]}"
    facts = []
    for column, about, words in (
        ("protocol", "Protocol ", str),
        ("epochs", "", _epochs),
        ("beats", "", "{:,.0f} test beats".format),
        ("seeds", "Training seed ", str),
        ("departures", "Departs from the paper: ", str),
    ):
        result = there[there[column] != ""]
        facts += [about + "; ".join(_by_method(result, there, column, words))] if len(result) else []
    if there["part"].any():
        facts.append("Square brackets: 95 % of resamples of these beats, a stratified part of the test split")
    caption = ". ".join(facts or ["Nothing evaluated yet"])
    return f"### {title}{f' ({QUICK_WARNING})' if quick else ''}\n\n{caption}."


def summarise_methods(rows: pd.DataFrame) -> pd.DataFrame:
    """One row for each network and method: ``epochs, seeds, clean_acc`` and the mean distance to each of its tables."""
    found = table_distances(rows)
    lines = []
    for (network, method), group in rows.groupby(["network", "method"], sort=False):
        there = group[group["missing"] == ""]
        clean = there[(there["eps"] == 0) & (there["metric"] == "acc") & (there["attack"] == "pgd100")]
        own = found[(found["network"] == network) & (found["method"] == method)]
        lines.append(
            {
                "network": network,
                "method": method,
                "epochs": int(there["epochs"].iloc[0]) if len(there) else None,
                "seeds": there["seeds"].iloc[0] if len(there) else "",
                "clean_acc": float(clean["ours"].iloc[0]) if len(clean) else None,
                **{f"{row.attack}_{row.metric}": row.distance for row in own.itertuples()},
            }
        )
    return pd.DataFrame(lines)


def _by_method(rows: pd.DataFrame, among: pd.DataFrame, column: str, words: Callable[[Any], str]) -> list[str]:
    """Each value in words, with the methods that it is of where those are not all methods of ``among``."""
    values = rows.drop_duplicates(["method", column]).groupby(column, sort=False)["method"].agg(list)
    all_methods = set(among["method"])
    return [
        words(value) + ("" if set(methods) == all_methods else f" ({', '.join(methods)})")
        for value, methods in values.items()
    ]


def _epochs(count: float) -> str:
    return f"{count:.0f} epoch" + ("" if count == 1 else "s")


def _cell(row: dict[Any, Any]) -> str:
    if row["missing"]:
        return f"{ABSENT} ({row['paper']:.2f})"
    spread = f" ± {row['spread']:.2f}" if row["spread"] == row["spread"] else ""
    bounds = f" [{row['low']:.2f}, {row['high']:.2f}]" if row["part"] and row["low"] == row["low"] else ""
    return f"{row['ours']:.2f}{spread}{bounds} ({row['paper']:.2f}, {row['difference']:+z.2f})"


def _title(quick: bool) -> str:
    return "# The paper's twelve tables beside ours" + (f": {QUICK_WARNING}" if quick else "")


def _summary_markdown(summary: pd.DataFrame, quick: bool) -> str:
    distance = [name for name in summary.columns if name.endswith(("_acc", "_prec")) and name != "clean_acc"]
    titles = [
        f"{ATTACK_TITLES[attack]} {METRIC_TITLES[metric]}" for attack, metric in (name.split("_") for name in distance)
    ]
    title = "### By method: clean ACC, and the mean absolute difference to each of the paper's tables"
    rows = []
    for row in rows_of(summary):
        numbers = [ABSENT if row[name] is None else f"{row[name]:.3f}" for name in ("clean_acc", *distance)]
        epochs = ABSENT if row["epochs"] is None else f"{row['epochs']:.0f}"
        rows.append((row["network"], row["method"], epochs, row["seeds"] or ABSENT, *numbers))
    header = ("network", "method", "epochs", "seeds", "clean ACC", *titles)
    table = markdown(header, rows, left=("network", "method", "seeds"))
    return "\n".join([title + (f". {QUICK_WARNING}." if quick else ""), "", table])


def _claim_json(result: ClaimResult) -> dict[str, Any]:
    network, attack = CURVE_FIGURES[result.claim.figure]
    return {
        "figure": result.claim.figure,
        "network": network,
        "attack": attack,
        "claim": result.claim.text,
        "outcome": result.outcome,
        "protocol": result.protocol,
        "missing": list(result.missing),
    }


def _write_csv(table: pd.DataFrame, path: Path) -> None:
    write_atomically(path, lambda partial: table.round(5).to_csv(partial, index=False))


def _write_text(text: str, path: Path) -> None:
    write_atomically(path, lambda partial: partial.write_text(text + "\n", encoding="utf-8"))
