"""The Beat lab's numbers as tables."""

import numpy as np
import pandas as pd

from nsr_core.beat.attack import BeatAttack
from nsr_core.data import CLASSES, FS_HZ
from ui.beat.answers import Answer


def table(answers: list[Answer]) -> pd.DataFrame:
    """A row for each network: the readings, what it took, and the noise-to-signal numbers."""
    return pd.DataFrame([_row(answer) for answer in answers])


def _row(answer: Answer) -> dict[str, object]:
    result = answer.result
    return {
        "network": answer.title,
        "before": result.class_before,
        "p before": round(float(result.before.max()), 4),
        "after": result.class_after,
        "p after": round(float(result.after.max()), 4),
        "step": result.step,
        "evaluations": result.queries,
        "smallest ε": round(answer.sweep.smallest, 4),
        "largest noise": round(result.largest_noise, 5),
        "‖w_y‖₁": round(result.w_l1, 3),
        "|z_y|": round(abs(result.z), 3),
        "bound R₂": round(result.bound, 3),
        "NSR on the line": round(result.reached_on_line, 3),
        "NSR reached": round(result.reached, 3),
        "protocol": result.protocol,
        "weights": result.weights,
    }


def signals(answers: list[Answer]) -> pd.DataFrame:
    """The beat without noise and, for each network, with noise: a row a sample, in [0, 1] and in mV where known."""
    first = answers[0].result
    columns: dict[str, np.ndarray] = {
        "sample": np.arange(len(first.x)),
        "time_ms": np.arange(len(first.x)) * (1000 / FS_HZ),
    }
    columns |= {"is_signal": np.arange(len(first.x)) < first.length}
    for name, x in [("clean", first.x)] + [(answer.name, answer.result.x_adv) for answer in answers]:
        columns[name] = x
        if np.isfinite(first.mv_range):
            columns[f"{name}_mv"] = first.mv_min + first.mv_range * x
    return pd.DataFrame(columns)


def sweep_table(answers: list[Answer]) -> pd.DataFrame:
    """The sweep of every network: a row for each level."""
    parts = [
        pd.DataFrame(
            {"network": one.title, "ε": one.sweep.eps, "p right": one.sweep.p_true, "read as": one.sweep.label}
        )
        for one in answers
    ]
    return pd.concat(parts, ignore_index=True).round(4)


def way_table(result: BeatAttack) -> pd.DataFrame:
    """The attack's way: a row for each step, with the loss and the probability of each class."""
    table = pd.DataFrame(result.path.probabilities, columns=[f"p {label}" for label in CLASSES]).round(4)
    table.insert(0, "step", np.arange(len(table)))
    table.insert(1, "loss", result.path.loss.round(5))
    return table


def sensitivity_table(answers: list[Answer]) -> pd.DataFrame:
    """The beat and w_y of every network: a row for each signal sample."""
    first = answers[0].result
    shown = slice(0, first.length)
    columns = {"sample": np.arange(first.length), "beat": first.x[shown]}
    columns |= {f"w_y {answer.title}": answer.result.w[shown] for answer in answers}
    return pd.DataFrame(columns).round(5)
