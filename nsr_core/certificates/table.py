"""The certificates' table: one row per beat, and what follows from it.

Columns:

- ``record``, ``sample``: which beat (see ``Beats``);
- ``y``, ``clean``: its class and what the network says without noise (indices into ``CLASSES``);
- ``certified``: no noise up to this level flips it, proved; 0 where it is misread without noise or nothing is proved.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch

from nsr_core.certificates.search import certified_eps
from nsr_core.data import CLASSES, Beats
from nsr_core.data.beat_tables import BeatTable
from nsr_core.models import Network
from nsr_core.progress import Progress, no_progress

COLUMN_TYPES = {"record": "string", "sample": "int64", "y": "int8", "clean": "int8", "certified": "float32"}
CERTIFICATES_TABLE = BeatTable(
    COLUMN_TYPES,
    ("record", "sample"),
    "nothing is certified yet. Run: certify {folder}",
    "certify",
    "certify the checkpoint again",
)
save_certificates, load_certificates = CERTIFICATES_TABLE.save, CERTIFICATES_TABLE.load
empty_table = CERTIFICATES_TABLE.empty
#: Beats bounded at once: the bounds' matrices stay in a core's cache.
BATCH = 16


def certify_beats(
    network: Network,
    beats: Beats,
    rows: np.ndarray,
    *,
    method: str = "crown",
    signal_only: bool = False,
    progress: Progress = no_progress,
) -> pd.DataFrame:
    """The table of some beats, on the CPU.

    >>> from nsr_core.data import load_beats
    >>> from nsr_core.training.checkpoint import load_checkpoint
    >>> network = load_checkpoint("checkpoints/mlp-loss2").network
    >>> certify_beats(network, load_beats("demo"), np.arange(3))["certified"].astype(float).round(3).tolist()
    [0.014, 0.0, 0.019]

    Args:
        network: one that is described in ``nsr_core.certificates.stages``, on the CPU, in eval mode.
        beats: the data.
        rows: which of them.
        method: a name in ``BOUNDS``.
        signal_only: whether noise leaves the padding untouched.
        progress: called with the number of beats; raising from it stops the work.

    Raises:
        UserError: there is no certificate for the network, or none of that name.
    """
    parts = [empty_table()]
    for start in range(0, len(rows), BATCH):
        chosen = beats[rows[start : start + BATCH]]
        x, y = torch.from_numpy(chosen.x), torch.from_numpy(chosen.y)
        length = torch.from_numpy(chosen.length.astype(np.int64)) if signal_only else None
        certified = certified_eps(network, x, y, length=length, method=method).numpy()
        with torch.inference_mode():
            clean = network(x).argmax(1).numpy()
        named = {"record": chosen.record, "sample": chosen.sample, "y": chosen.y, "clean": clean}
        parts.append(pd.DataFrame(named | {"certified": rounded_down(certified)}).astype(COLUMN_TYPES))
        progress(start + len(chosen), len(rows), "certified beats")
    return pd.concat(parts, ignore_index=True)


def rounded_down(eps: np.ndarray) -> np.ndarray:
    """Levels as float32, never larger than they were."""
    rounded = eps.astype(np.float32)
    return np.where(rounded > eps, np.nextafter(rounded, np.float32(0)), rounded)


def proved_share(table: pd.DataFrame, eps: float) -> np.ndarray:
    """(5,) share of each class's beats that no noise up to ``eps`` flips, proved; NaN for a class without beats.

    At 0 the share that is read correctly without noise.
    """
    held = (table["clean"] == table["y"]) & (table["certified"] >= eps)
    return held.groupby(table["y"]).mean().reindex(range(len(CLASSES))).to_numpy(float)


def summarise_certificates(table: pd.DataFrame, levels: Sequence[float]) -> pd.DataFrame:
    """What is proved, by class, for all beats, and with every class as frequent as any other.

    Returns:
        Rows ``class`` (of ``CLASSES``, then "all", then "equal priors"), ``beats``, ``right`` (share read correctly
        without noise), ``median`` (of the certified level over all beats, misread ones with their 0; NaN at equal priors)
        and one column per level with the proved share, named by the level. Classes without beats are left out.
    """
    shares = {name: proved_share(table, eps) for name, eps in {"right": 0.0, **{f"{e:g}": e for e in levels}}.items()}
    weights = np.bincount(table["y"], minlength=len(CLASSES))
    there = weights > 0
    medians = table.groupby("y")["certified"].median().reindex(range(len(CLASSES))).to_numpy(float)
    rows = {"class": [*np.array(CLASSES)[there].tolist(), "all", "equal priors"]}
    rows["beats"] = [*weights[there].tolist(), len(table), len(table)]
    rows["median"] = [*medians[there].tolist(), float(table["certified"].median()), np.nan]
    for name, share in shares.items():
        known = share[there]
        rows[name] = [*known.tolist(), float(np.average(known, weights=weights[there])), float(known.mean())]
    columns = ["class", "beats", "right", "median", *(f"{eps:g}" for eps in levels)]
    return pd.DataFrame(rows)[columns]
