"""Step 6: what adversarial training holds against an attack."""

from collections.abc import Sequence

import numpy as np

from nsr_core.attacks import Attack
from nsr_core.data import Beats
from nsr_core.evaluation.assignment import PAPER_EPS, Assignment
from nsr_core.evaluation.metrics import accuracy, confusion
from nsr_core.evaluation.robustness import attack_beats
from nsr_core.models import Network


def accuracies(
    network: Network,
    beats: Beats,
    rows: np.ndarray,
    attack: Attack,
    eps_grid: Sequence[float] = PAPER_EPS,
    *,
    signal_only: bool = False,
    seed: int = 0,
) -> np.ndarray:
    """(1 + levels,) ACC without noise and under an attack, each level alone, as the paper reports it."""
    assignment = Assignment(attack, eps_grid=tuple(eps_grid), seed=seed, signal_only=signal_only)
    table = attack_beats(network, beats, rows, attack.name, assignment)
    levels = [level for _, level in table.groupby("eps")]
    predictions = [levels[0]["clean"], *(level["pred"] for level in levels)]
    y = levels[0]["y"].to_numpy()
    return np.array([float(accuracy(confusion(y, prediction.to_numpy()))) for prediction in predictions])
