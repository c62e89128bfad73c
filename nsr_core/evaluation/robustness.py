"""Attack a network on beats. Attacks propose; here it is judged: clipped to the budget, predicted again, counted."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import torch

from nsr_core.attacks import Attack, BeatRandomness, Box
from nsr_core.data import Beats
from nsr_core.data.beat_tables import place_among
from nsr_core.evaluation.table import CARRIED, COLUMN_TYPES, MISCLASSIFIED, NOT_BROKEN
from nsr_core.models import Network
from nsr_core.progress import Progress, no_progress

#: The noise levels of the paper's tables, besides 0.
PAPER_EPS = (0.01, 0.03, 0.05, 0.1, 0.2, 0.3)
#: Beats per batch: small enough for the activations to stay in a core's cache, large enough to hide call overhead.
BATCH = {"mlp": 512, "cnn": 64}
#: On a CUDA device, of any network: enough to fill it.
BATCH_ON_CUDA = 8192


def batch_size(network: str, device: str) -> int:
    """Beats of a batch of an attack."""
    return BATCH_ON_CUDA if device == "cuda" else BATCH[network]


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
    attack: Attack,
    name: str,
    eps_grid: Sequence[float] = PAPER_EPS,
    *,
    seed: int = 0,
    carry: bool = False,
    signal_only: bool = False,
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
    so results do not depend on the batches. A batch is what is to be attacked of so many consecutive ``rows``: where
    rounding tells batches apart (see ``BeatRandomness``), a part of the rows that begins at a multiple of ``BATCH`` still
    has the result that it has among all of them, to the bit.

    Args:
        network: on ``device``, in eval mode.
        beats: the data.
        rows: which of them.
        attack: the attack with its settings.
        name: what its rows are called in the table.
        eps_grid: noise levels.
        carry: whether a beat broken at one level is not attacked at larger ones. It saves time and hides how often the
            attack would have missed there.
        signal_only: whether the padding stays untouched.
        clean: (rows,) what the network says without noise, where that is known.
        proved: (rows,) up to which level no noise flips a beat, where that is known: up to there it is not attacked, and
            stands with 0 queries.
        progress: told in beats x noise levels; raising from it stops the work.
        done: the table as ``on_level`` last had it: its noise levels are not attacked again.
        on_level: given the table so far after every noise level, to keep it.

    Returns:
        The per-beat table (see ``nsr_core.evaluation.table``).
    """
    device = device or torch.device("cpu")
    clean = predict(network, beats.x[rows], device) if clean is None else clean
    # In float64: among float32 numbers a level would be rounded to one, perhaps below itself.
    proved = np.zeros(len(rows)) if proved is None else proved.astype(float)
    table = _empty_table() if done is None else _in_order_of(done, beats, rows)
    size = batch_size(network.name, device.type)
    for level, eps in enumerate(sorted(eps_grid)):
        if (table["eps"] == eps).any():
            continue
        columns = _start_level(beats, rows, clean, name, eps, table if carry else _empty_table())
        targets = np.flatnonzero((columns["step"] == NOT_BROKEN) & (proved < eps))
        for batch in np.split(targets, np.searchsorted(targets, range(size, len(rows), size))):
            if len(batch):
                judged = _attack_batch(network, beats, rows[batch], attack, eps, seed, signal_only, device)
                for column, values in judged.items():
                    columns[column][batch] = values
                share = (np.searchsorted(targets, batch[-1]) + 1) / len(targets)
                progress(int((level + share) * len(rows)), len(eps_grid) * len(rows), f"{name}, noise {eps:g}")
        table = pd.concat([table, pd.DataFrame(columns).astype(COLUMN_TYPES)], ignore_index=True)
        on_level(table)
    progress(len(eps_grid) * len(rows), len(eps_grid) * len(rows), f"{name} done")
    return table


def _empty_table() -> pd.DataFrame:
    return pd.DataFrame({column: [] for column in COLUMN_TYPES}).astype(COLUMN_TYPES)


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
    network: Network,
    beats: Beats,
    rows: np.ndarray,
    attack: Attack,
    eps: float,
    seed: int,
    signal_only: bool,
    device: torch.device,
) -> dict[str, np.ndarray]:
    """Step of first success (or ``NOT_BROKEN``), final prediction and queries of one batch, judged."""
    x = torch.from_numpy(beats.x[rows]).to(device)
    y = torch.from_numpy(beats.y[rows]).to(device)
    length = torch.from_numpy(beats.length[rows].astype(np.int64)).to(device) if signal_only else None
    result = attack(network, x, y, eps, length=length, randomness=BeatRandomness(seed, rows))
    # A gradient that is no number makes a beat that is none: no beat at all, so nothing that it could be misread as.
    proposed = torch.where(result.x_adv.isfinite(), result.x_adv, x)
    with torch.inference_mode():
        pred = network(Box.around(x, eps, length).clip(proposed)).argmax(1)
    broken = pred != y
    last = result.step.max().clamp_min(0)
    step = torch.where(broken, torch.where(result.step >= 0, result.step, last), NOT_BROKEN)
    columns = {"step": step, "pred": pred, "queries": result.queries}
    return {name: values.cpu().numpy() for name, values in columns.items()}
