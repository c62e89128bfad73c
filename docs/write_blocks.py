"""Write the tables that the documentation shows of the included checkpoints and of the formats, between their marks.

python -m docs.write_blocks
"""

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

from docs.compute_used import compute_markdown
from docs.scale import page
from docs.verdict_report import (
    breaks_markdown,
    certified_markdown,
    certified_seeds_markdown,
    everyday_markdown,
    masking_markdown,
    patients_markdown,
    proof_markdown,
    signal_markdown,
    verdicts_of,
    worst_markdown,
)
from nsr_core.paper.beta import BETA_FILE, read_search, search_markdown
from nsr_core.paper.cells import cells, courses
from nsr_core.paper.claims import CLAIMS, check_claim
from nsr_core.paper.report import compare, report, table_markdown
from nsr_core.paper.seeds import SEEDS_FOLDER
from nsr_core.paper.tables import claims_markdown, courses_markdown
from nsr_core.paper.tables import table_markdown as table_markdown_with_intervals
from nsr_core.recordings.formats import described
from nsr_core.reproduction.plan import LONGER_FOLDER
from nsr_core.training.card import RESULTS_FILE, list_checkpoints
from nsr_core.verdict.verdict import Verdict
from nsr_core.writing import markdown

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
CHECKPOINTS = list_checkpoints(ROOT / "checkpoints")
BY_PATIENT = [folder for folder in CHECKPOINTS if folder.name.endswith("-patient")]
OTHER_SEEDS = list_checkpoints(ROOT / "checkpoints" / SEEDS_FOLDER)
LONGER = list_checkpoints(ROOT / "checkpoints" / LONGER_FOLDER)
CNNS = [folder for folder in CHECKPOINTS if folder.name.startswith("cnn-")]
#: Of the paper's tables, the one that is shown first.
RESULTS_TABLE = 5
#: The noise level at which patients are shown.
PATIENTS_EPS = 0.03


@cache
def _verdicts() -> dict[str, Verdict]:
    return verdicts_of(CHECKPOINTS)


def _cnn(folders: list[Path] = CNNS) -> str:
    """Every published value of the methods that were trained, on the beats and after the epochs that their cards name."""
    rows = cells(folders)
    there = rows[(rows["missing"] == "") & (rows["network"] == "cnn")]
    return "\n\n".join(table_markdown_with_intervals(table) for _, table in there.groupby("table"))


def _with_other_seeds() -> list[Path]:
    """The checkpoints of methods that were trained from several seeds, the first seed of each first."""
    several = {folder.name.rpartition("-seed-")[0] for folder in OTHER_SEEDS}
    return [*(folder for folder in CHECKPOINTS if folder.name in several), *OTHER_SEEDS]


def _seeds() -> str:
    """Of the methods trained from several seeds: mean and standard deviation of every published value."""
    rows = cells(_with_other_seeds())
    several = rows[rows["spread"].notna()]
    return "\n\n".join(table_markdown_with_intervals(table) for _, table in several.groupby("table"))


def _claims() -> str:
    """The paper's orderings in the tables of the first seed."""
    rows = cells([folder for folder in CHECKPOINTS if folder not in BY_PATIENT])
    return claims_markdown([check_claim(claim, rows) for claim in CLAIMS])


def _beta() -> str:
    sweep = read_search(ROOT / "checkpoints" / BETA_FILE)
    return search_markdown(sweep) if sweep else ""


def _formats() -> str:
    """The formats that recordings are read in."""
    header = ("format", "endings", "what is read")
    rows = ((each["title"], f"`{each['endings']}`", each["reads"]) for each in described())
    return markdown(header, rows, left=header)


def _pairs() -> list[Path]:
    """Each checkpoint by patient after the one by beat."""
    return [folder for one in BY_PATIENT for folder in (one.with_name(one.name.removesuffix("-patient")), one)]


BLOCKS: dict[tuple[Path, str], Callable[[], str]] = {
    (DOCS / "recordings.md", "formats"): _formats,
    (DOCS / "results.md", "results"): lambda: table_markdown(compare(CHECKPOINTS), RESULTS_TABLE),
    (DOCS / "results.md", "worst"): lambda: worst_markdown(_verdicts()),
    (DOCS / "reproduction.md", "tables"): lambda: report(CHECKPOINTS),
    (DOCS / "reproduction.md", "seeds"): _seeds,
    (DOCS / "reproduction.md", "cnn"): _cnn,
    (DOCS / "reproduction.md", "longer"): lambda: _cnn(
        [folder for folder in LONGER if (folder / RESULTS_FILE).exists()]
    ),
    (DOCS / "reproduction.md", "longer-courses"): lambda: courses_markdown(courses(LONGER)),
    (DOCS / "reproduction.md", "courses"): lambda: courses_markdown(courses(CNNS)),
    (DOCS / "reproduction.md", "claims"): _claims,
    (DOCS / "reproduction.md", "beta"): _beta,
    (DOCS / "reproduction.md", "compute"): lambda: compute_markdown([*CHECKPOINTS, *OTHER_SEEDS]),
    (DOCS / "scale.md", "scale"): lambda: page(ROOT / "checkpoints"),
    (DOCS / "verdict.md", "worst"): lambda: worst_markdown(_verdicts()),
    (DOCS / "verdict.md", "breaks"): lambda: breaks_markdown(_verdicts()),
    (DOCS / "verdict.md", "proof"): lambda: proof_markdown(_verdicts()),
    (DOCS / "certified-training.md", "certified"): lambda: certified_markdown(CHECKPOINTS),
    (DOCS / "certified-training.md", "seeds"): lambda: certified_seeds_markdown(_with_other_seeds()),
    (DOCS / "verdict.md", "signal"): lambda: signal_markdown(_verdicts()),
    (DOCS / "verdict.md", "masking"): lambda: masking_markdown(CHECKPOINTS),
    (DOCS / "verdict.md", "everyday"): lambda: everyday_markdown(CHECKPOINTS),
    (DOCS / "verdict.md", "patients"): lambda: patients_markdown(_pairs(), PATIENTS_EPS),
}


def between_marks(text: str, name: str) -> tuple[int, int]:
    """Where in a page the block of that name begins and ends."""
    found = re.search(rf"<!-- {name}: begin -->\n(.*?)\n<!-- {name}: end -->", text, re.DOTALL)
    if found is None:
        raise ValueError(f"There is no block {name} here.")
    return found.span(1)


def main() -> None:
    for (path, name), make in BLOCKS.items():
        text = path.read_text()
        begin, end = between_marks(text, name)
        new = text[:begin] + make() + text[end:]
        print(f"{path.relative_to(ROOT)}, {name}: {'as it was' if new == text else 'written'}")
        path.write_text(new)


if __name__ == "__main__":
    main()
