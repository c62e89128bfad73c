"""``python -m docs.scale [CHECKPOINTS]``: what larger studies would take, computed from measured times.

It prints the tables of docs/scale.md.
"""

import sys
from pathlib import Path

from nsr_core.evaluation.assignment import PAPER_PLAN, PAPER_SPSA_BEATS_PER_CLASS
from nsr_core.methods import PAPER_METHODS
from nsr_core.models import NETWORKS
from nsr_core.reproduction.costs import TRAINING_BEATS, Costs
from nsr_core.reproduction.plan import PAPER_EPOCHS
from nsr_core.training.card import list_checkpoints
from nsr_core.writing import markdown

TEST_BEATS = 21_892
SPSA_BEATS = 5 * PAPER_SPSA_BEATS_PER_CLASS
ALL_BEATS = 109_446
MODELS = 1_000
CORPUS_BEATS = 10_000_000
LEADS = 12
CORES = (2, 64, 1_000)
HOUR = 3600.0


def measured_markdown(costs: Costs) -> str:
    """What each method takes on one core: seconds per epoch, and hours for all that the paper asks of one model."""
    spent = ("seconds an epoch", "50 epochs, h", "100-PGD, full test split, h", "SPSA, 810 beats, h", "all, h")
    rows = []
    for network in _measured_networks(costs):
        for method in PAPER_METHODS:
            parts = _hours(costs, network, method)
            hours = (f"{each:.2f}" for each in (*parts, sum(parts)))
            rows.append((network, method, f"{costs.per_epoch(network, method):.1f}", *hours))
    return markdown(("network", "method", *spent), rows, left=("method",))


def scaled_markdown(costs: Costs) -> str:
    """Core hours of larger studies, and the days that they last on a number of cores, all of them busy."""
    rows = []
    for network in _measured_networks(costs):
        per_model = sum(sum(_hours(costs, network, method)) for method in PAPER_METHODS) / len(PAPER_METHODS)
        growth = LEADS * CORPUS_BEATS / ALL_BEATS
        trained, pgd, spsa = (
            sum(parts) for parts in zip(*(_hours(costs, network, method) for method in PAPER_METHODS), strict=True)
        )
        studies = {
            "the paper's nine methods, one seed": per_model * len(PAPER_METHODS),
            f"{MODELS:,} models, each method as often": per_model * MODELS,
            f"nine methods on {CORPUS_BEATS:,} beats of {LEADS} leads": (trained + pgd) * growth + spsa * LEADS,
        }
        for study, hours in studies.items():
            rows.append((study, network, f"{hours:,.1f}", *(_span(hours / cores) for cores in CORES)))
    header = ("study", "network", "core hours", *(f"{cores:,} cores" for cores in CORES))
    return markdown(header, rows, left=("network",))


def _hours(costs: Costs, network: str, method: str) -> tuple[float, float, float]:
    """One core's hours for training, 100-PGD and SPSA as the paper asks for them."""
    levels = len(PAPER_PLAN["pgd"].eps_grid)
    return (
        PAPER_EPOCHS * costs.per_epoch(network, method) / HOUR,
        costs.per_beat_and_level(network, method, "pgd") * TEST_BEATS * levels / HOUR,
        costs.per_beat_and_level(network, method, "spsa") * SPSA_BEATS * levels / HOUR,
    )


def _measured_networks(costs: Costs) -> list[str]:
    return [network for network in NETWORKS if costs.is_measured(network)]


def _span(hours: float) -> str:
    if hours < 2:
        return f"{max(1, hours * 60):.0f} min"
    return f"{hours:.0f} h" if hours < 72 else f"{hours / 24:,.0f} days"


def page(checkpoints: Path) -> str:
    """Both tables, from the cards below a folder."""
    costs = Costs(list_checkpoints(checkpoints), TRAINING_BEATS)
    return f"{measured_markdown(costs)}\n\n{scaled_markdown(costs)}"


if __name__ == "__main__":
    print(page(Path(sys.argv[1] if len(sys.argv) > 1 else "checkpoints")))
