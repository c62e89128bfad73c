"""Attack a network on beats at several noise levels, and report what became of each."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import torch

from nsr_core.attacks import BeatRandomness
from nsr_core.data import Beats
from nsr_core.data.beat_tables import place_among
from nsr_core.evaluation.assignment import Assignment
from nsr_core.evaluation.judge import judge
from nsr_core.evaluation.table import BEATS_TABLE, CARRIED, COLUMN_TYPES, MISCLASSIFIED, NOT_BROKEN
from nsr_core.models import NETWORKS, Network
from nsr_core.progress import Progress, no_progress

#: On a CUDA device, of any network: enough to fill it.
BATCH_ON_CUDA = 8192


def batch_size(network: str, device: str = "cpu") -> int:
    """Beats that are attacked together on the network of that name."""
    return BATCH_ON_CUDA if device == "cuda" else NETWORKS[network].batch_size


def predict(network: Network, x: np.ndarray, device: torch.device | None = None) -> np.ndarray:
    """(n,) int64 predicted class of (n, 187) beats."""
    device = device or torch.device("cpu")
    with torch.inference_mode():
        batches = torch.from_numpy(x).split(2048)
        return torch.cat([network(batch.to(device)).argmax(1).cpu() for batch in batches]).numpy()


def attack_beats(
    network: Network,
    beats: Beats,
    rows: np.ndarray,
    name: str,
    assignment: Assignment,
    *,
    device: torch.device | None = None,
    clean: np.ndarray | None = None,
    proved: np.ndarray | None = None,
    progress: Progress = no_progress,
    done: pd.DataFrame | None = None,
    on_level: Callable[[pd.DataFrame], object] = lambda table: None,
) -> pd.DataFrame:
    """Attack beats at several noise levels and report what became of each.

    Each distinct beat is attacked once; weights come in with the metrics. Beats that are misclassified clean keep
    their clean prediction. A beat's chance depends on the seed and on its row in ``beats``, the same at every epsilon,
    so results do not depend on the batches. A batch is what is to be attacked among ``batch_size`` consecutive ``rows``: where
    rounding tells batches apart (see ``BeatRandomness``), a part of the rows that begins at a multiple of that still
    has the result that it has among all of them, to the bit.

    Args:
        network: on ``device``, in eval mode.
        beats: the data.
        rows: which of them; the assignment's own choice of beats is left to the caller.
        name: what the attack's rows are called in the table.
        assignment: the attack and how it is carried out.
        clean: (rows,) what the network says without noise, where that is known.
        proved: (rows,) up to which level no noise flips a beat, where that is known: up to there it is not attacked, and
            stands with 0 queries.
        progress: called with the number of beats x noise levels; raising from it stops the work.
        done: the table as ``on_level`` last had it: its noise levels are not attacked again.
        on_level: given the table so far after every noise level, to keep it.

    Returns:
        The per-beat table (see ``nsr_core.evaluation.table``).
    """
    device = device or torch.device("cpu")
    clean = predict(network, beats.x[rows], device) if clean is None else clean
    # In float64: among float32 numbers a level would be rounded to one, perhaps below itself.
    proved = np.zeros(len(rows)) if proved is None else proved.astype(float)
    table = BEATS_TABLE.empty() if done is None else _in_order_of(done, beats, rows)
    size = batch_size(network.name, device.type)
    eps_grid, carry = assignment.eps_grid, assignment.carry
    for level, eps in enumerate(sorted(eps_grid)):
        if (table["eps"] == eps).any():
            continue
        columns = _start_level(beats, rows, clean, name, eps, table if carry else BEATS_TABLE.empty())
        targets = np.flatnonzero((columns["step"] == NOT_BROKEN) & (proved < eps))
        for batch in np.split(targets, np.searchsorted(targets, range(size, len(rows), size))):
            if len(batch):
                judged = _attack_batch(network, beats, rows[batch], assignment, eps, device)
                for column, values in judged.items():
                    columns[column][batch] = values
                share = (np.searchsorted(targets, batch[-1]) + 1) / len(targets)
                progress(int((level + share) * len(rows)), len(eps_grid) * len(rows), f"{name}, noise {eps:g}")
        table = pd.concat([table, pd.DataFrame(columns).astype(COLUMN_TYPES)], ignore_index=True)
        on_level(table)
    progress(len(eps_grid) * len(rows), len(eps_grid) * len(rows), f"{name} done")
    return table


def _in_order_of(table: pd.DataFrame, beats: Beats, rows: np.ndarray) -> pd.DataFrame:
    """A stored table, which is sorted by name, with the beats of each noise level in the order of ``rows``."""
    order = np.lexsort((place_among(beats, rows, table), table["eps"].to_numpy()))
    return table.iloc[order].reset_index(drop=True)


def _start_level(
    beats: Beats, rows: np.ndarray, clean: np.ndarray, name: str, eps: float, carried: pd.DataFrame
) -> dict[str, np.ndarray]:
    """The columns of one noise level before any attack; ``carried`` holds the levels whose breaks stand."""
    y = beats.y[rows]
    step = np.where(clean == y, NOT_BROKEN, MISCLASSIFIED)
    pred = clean.copy()
    for _, smaller in carried.groupby("eps"):
        broken = smaller["step"].to_numpy() >= 0
        step[broken], pred[broken] = CARRIED, smaller["pred"].to_numpy()[broken]
    return {
        "record": beats.record[rows],
        "sample": beats.sample[rows],
        "y": y,
        "clean": clean,
        "attack": np.full(len(rows), name),
        "eps": np.full(len(rows), eps),
        "step": step,
        "pred": pred,
        "queries": np.zeros(len(rows), np.int64),
    }


def _attack_batch(
    network: Network, beats: Beats, rows: np.ndarray, assignment: Assignment, eps: float, device: torch.device
) -> dict[str, np.ndarray]:
    """Step of first success (or ``NOT_BROKEN``), final prediction and queries of one batch, judged."""
    x = torch.from_numpy(beats.x[rows]).to(device)
    y = torch.from_numpy(beats.y[rows]).to(device)
    length = torch.from_numpy(beats.length[rows].astype(np.int64)).to(device) if assignment.signal_only else None
    randomness = BeatRandomness(assignment.seed, rows)
    result = assignment.attack(network, x, y, eps, length=length, randomness=randomness)
    judged = judge(network, x, y, eps, length, result.x_adv)
    last = result.step.max().clamp_min(0)
    step = torch.where(judged.broken, torch.where(result.step >= 0, result.step, last), NOT_BROKEN)
    columns = {"step": step, "pred": judged.pred, "queries": result.queries}
    return {name: values.cpu().numpy() for name, values in columns.items()}
