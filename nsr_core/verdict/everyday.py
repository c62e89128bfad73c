"""How a checkpoint reads beats under everyday noise: the table beside its weights, its summary, and eps in dB.

One row per beat, kind of noise and signal-to-noise ratio, with the columns

- ``record``, ``sample``: which beat (see ``Beats``);
- ``y``, ``clean``: its class and what the network says without noise (indices into ``CLASSES``);
- ``kind``, ``snr_db``: the noise (see ``nsr_core.data.everyday_noise``);
- ``misread``: share of the draws in which the network says another class than ``y``. Such noise does not aim: it may also
  mend a reading that was wrong;
- ``eps_equivalent``: the largest change of any sample after the new min-max, which is the smallest eps with which an
  adversary could have made that very beat; mean over the draws.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from nsr_core.compute import describe_machine
from nsr_core.data import CLASSES, Beats, Split
from nsr_core.data.beat_tables import BeatTable, place_among, place_in_table
from nsr_core.data.everyday_noise import (
    NOISE_KINDS,
    SYNTHESIS,
    add_noise,
    beat_noise,
    get_kind,
    scale_again,
    snr_of_eps,
)
from nsr_core.data.splits import chosen_test_beats
from nsr_core.errors import UserError
from nsr_core.evaluation.assignment import PAPER_EPS
from nsr_core.evaluation.metrics import interval
from nsr_core.evaluation.robustness import predict
from nsr_core.models import Network
from nsr_core.progress import Progress, as_part, no_progress
from nsr_core.training.checkpoint import check_split
from nsr_core.training.results import known_entry, open_results, write_entry

EVERYDAY_FILE = "everyday.parquet"
#: The card's entry, under ``results``.
ENTRY = "everyday"
SNR_DB = (24.0, 18.0, 12.0, 6.0, 0.0)
DRAWS = 5
#: As many beats of each class as meet the worst case, and the same ones.
PER_CLASS = 500
#: Beats between two writings.
KEPT_EVERY = 4096
#: Beats whose noise is made at once.
BATCH = 256

#: Beyond these nothing is learned, and numbers overflow.
MOST_DB, MOST_DRAWS = 200, 10_000
COLUMN_TYPES = {
    "record": "string",
    "sample": "int64",
    "y": "int8",
    "clean": "int8",
    "kind": "string",
    "snr_db": "float64",
    "misread": "float32",
    "eps_equivalent": "float32",
}
EVERYDAY_TABLE = BeatTable(
    COLUMN_TYPES,
    ("kind", "snr_db", "record", "sample"),
    "nothing was read under everyday noise yet. Run: noise {folder}",
    "noise",
    "read under everyday noise again",
)
save_everyday, load_everyday = EVERYDAY_TABLE.save, EVERYDAY_TABLE.load


def read_under_noise(
    folder: str | Path,
    beats: Beats,
    split: Split,
    *,
    kinds: Sequence[str] = tuple(NOISE_KINDS),
    snr_db: Sequence[float] = SNR_DB,
    draws: int = DRAWS,
    per_class: int | None = PER_CLASS,
    spread: bool = True,
    seed: int = 0,
    replace_results: bool = False,
    progress: Progress = no_progress,
) -> pd.DataFrame:
    """Show a checkpoint its test beats under everyday noise and keep what it read beside its weights.

    What is there with the same settings is not computed again: an interrupted run goes on, and kinds, ratios and beats can
    be added later. The card also gets ``eps_in_db`` of the beats, so that both can be put on one axis without the records.

    Args:
        folder: of a checkpoint.
        beats, split: must be those that the checkpoint was trained on.
        kinds: names in ``NOISE_KINDS``.
        snr_db: signal-to-noise ratios.
        draws: of noise per beat and kind, the same at every ratio but for their scale.
        per_class, spread: see ``chosen_test_beats``.
        seed: where the noise comes from.
        replace_results: whether results with other settings may be replaced.
        progress: called with the number of beats x kinds.

    Returns:
        The rows that were asked for, sorted by kind, ratio and beat.

    Raises:
        UserError: not a checkpoint, one of another split, no such noise, or there are results with other settings.
    """
    _check(kinds, snr_db, draws, seed)
    with open_results(folder, "reading under everyday noise") as checkpoint:
        check_split(checkpoint, split)
        asked = chosen_test_beats(beats, split, per_class, spread)
        settings = {"draws": draws, "seed": seed, "synthesis": SYNTHESIS, "split": split.fingerprint}
        known = known_entry(checkpoint, ENTRY, settings=settings, replace_results=replace_results)
        path = checkpoint.folder / EVERYDAY_FILE
        entry = known or {**settings, "seconds": 0.0}
        if not known:
            path.unlink(missing_ok=True)  # rows of other settings are gone before the card names these
            write_entry(checkpoint, ENTRY, value=entry)
        table = EVERYDAY_TABLE.load_to_add(path, replace_results)
        chosen = list(dict.fromkeys(kinds))
        for number, kind in enumerate(chosen):
            missing = {
                level: asked[place_in_table(beats, asked, _part(table, kind, level)) < 0]
                for level in set(map(float, snr_db))
            }
            some_missing = np.unique(np.concatenate(list(missing.values())))
            for start in range(0, len(some_missing), KEPT_EVERY):
                began = time.perf_counter()
                part = some_missing[start : start + KEPT_EVERY]
                before = number * len(asked) + len(asked) - len(some_missing) + start
                at_level = {level: np.intersect1d(part, rows) for level, rows in missing.items()}
                within = as_part(progress, before, len(chosen) * len(asked))
                added = _read_kind(checkpoint.network, beats, part, kind, at_level, draws, seed, within)
                table = pd.concat([table, added], ignore_index=True)
                save_everyday(table, path)
                seconds = round(entry["seconds"] + time.perf_counter() - began, 1)
                entry |= _what_is_there(table) | {"seconds": seconds, "machine": describe_machine(torch.device("cpu"))}
                write_entry(checkpoint, ENTRY, value=entry)
        if len(table):  # also where the last run was killed between its table and this entry
            entry |= _what_is_there(table)
        entry["eps_in_db"] = eps_in_db(beats, asked, PAPER_EPS).round(2).to_dict("records")
        write_entry(checkpoint, ENTRY, value=entry)
    wanted = table["kind"].isin(chosen) & table["snr_db"].isin([*map(float, snr_db)])
    return EVERYDAY_TABLE.sort(table[wanted & (place_among(beats, asked, table) >= 0)])


def everyday_table(
    network: Network,
    beats: Beats,
    rows: np.ndarray,
    *,
    kinds: Sequence[str] = tuple(NOISE_KINDS),
    snr_db: Sequence[float] = SNR_DB,
    draws: int = DRAWS,
    seed: int = 0,
    progress: Progress = no_progress,
) -> pd.DataFrame:
    """The table of some beats, kept nowhere; see ``read_under_noise``.

    Args:
        network: on the CPU, in eval mode.
        beats: the data.
        rows: which of them.
    """
    _check(kinds, snr_db, draws, seed)
    chosen, at_level = list(dict.fromkeys(kinds)), {float(level): rows for level in snr_db}
    parts = [
        _read_kind(
            network, beats, rows, kind, at_level, draws, seed, as_part(progress, n * len(rows), len(chosen) * len(rows))
        )
        for n, kind in enumerate(chosen)
    ]
    return EVERYDAY_TABLE.sort(pd.concat(parts, ignore_index=True))


def summarise_everyday(table: pd.DataFrame) -> pd.DataFrame:
    """How well beats are read, by kind and signal-to-noise ratio.

    Returns:
        Rows ``kind, snr_db, beats, acc, low, high, acc_natural, eps_equivalent`` and ``recall_N`` ... ``recall_Q``, for each
        kind from no noise (an infinite ratio) downwards. ``acc`` is the share of draws read correctly with every class as
        frequent as any other, ``low`` and ``high`` the central 95 % of 1,000 resamples of the beats (draws stay with their
        beat), ``acc_natural`` the same with the classes as frequent as among the beats, ``eps_equivalent`` the median.
    """
    rows = []
    for kind in [name for name in NOISE_KINDS if (table["kind"] == name).any()]:
        own = table[table["kind"] == kind]
        clean = own.drop_duplicates(["record", "sample"])
        clean = clean.assign(snr_db=np.inf, misread=(clean["clean"] != clean["y"]).astype(float), eps_equivalent=0.0)
        levels = [(np.inf, clean), *((level, own[own["snr_db"] == level]) for level in _descending(own["snr_db"]))]
        rows += [{"kind": kind, "snr_db": float(level), **_measure(part)} for level, part in levels]
    return pd.DataFrame(rows)


def eps_in_db(beats: Beats, rows: np.ndarray, eps_grid: Sequence[float]) -> pd.DataFrame:
    """Where adversarial noise levels lie on the axis of everyday noise.

    Returns:
        Rows ``eps, snr_db, low, high``: median and quartiles of ``snr_of_eps`` over the beats.
    """
    result = []
    for eps in eps_grid:
        each = snr_of_eps(beats.x[rows], beats.length[rows], eps)
        low, middle, high = (np.inf,) * 3 if eps == 0 else np.quantile(each, (0.25, 0.5, 0.75)).tolist()
        result.append({"eps": float(eps), "snr_db": middle, "low": low, "high": high})
    return pd.DataFrame(result)


def _check(kinds: Sequence[str], snr_db: Sequence[float], draws: int, seed: int) -> None:
    for kind in kinds:
        get_kind(kind)
    if not kinds or not len(snr_db) or not np.isfinite(snr_db).all() or np.abs(snr_db).max() > MOST_DB:
        raise UserError(
            f"Kinds {list(kinds)} at {list(snr_db)} dB: give at least one kind and one signal-to-noise ratio, all finite and "
            f"between -{MOST_DB} and {MOST_DB} dB."
        )
    if not 1 <= draws <= MOST_DRAWS or seed < 0:
        raise UserError(f"{draws} draws with seed {seed}: give 1 to {MOST_DRAWS:,} draws and a seed of 0 or more.")


def _read_kind(
    network: Network,
    beats: Beats,
    rows: np.ndarray,
    kind: str,
    at_level: dict[float, np.ndarray],
    draws: int,
    seed: int,
    progress: Progress,
) -> pd.DataFrame:
    """The table of ``rows`` under one kind; at each ratio only of those that it names."""
    parts = [EVERYDAY_TABLE.empty()]
    for start in range(0, len(rows), BATCH):
        batch = rows[start : start + BATCH]
        x, length = beats.x[batch], beats.length[batch]
        noises = [beat_noise(kind, length, batch, seed=seed, draw=draw) for draw in range(draws)]
        clean = predict(network, x)
        for level, wanted in at_level.items():
            at = np.flatnonzero(np.isin(batch, wanted))
            if len(at):
                noisy = [scale_again(add_noise(x[at], length[at], n[at], level), x[at], length[at]) for n in noises]
                parts.append(_judge(network, beats[batch[at]], clean[at], noisy).assign(kind=kind, snr_db=level))
        progress(start + len(batch), len(rows), f"{kind} noise")
    return pd.concat([part.astype(COLUMN_TYPES) for part in parts], ignore_index=True)


def _judge(network: Network, beats: Beats, clean: np.ndarray, noisy: list[np.ndarray]) -> pd.DataFrame:
    """What the network makes of each draw of the same beats, in one table."""
    wrong = [predict(network, x) != beats.y for x in noisy]
    change = [np.abs(x - beats.x).max(axis=1) for x in noisy]
    named = {"record": beats.record, "sample": beats.sample, "y": beats.y, "clean": clean}
    return pd.DataFrame(named | {"misread": np.mean(wrong, axis=0), "eps_equivalent": np.mean(change, axis=0)})


def _measure(part: pd.DataFrame) -> dict[str, float]:
    y, read = part["y"].to_numpy(), 1 - part["misread"].to_numpy(np.float64)
    recalls = np.array([read[y == label].mean() if (y == label).any() else np.nan for label in range(len(CLASSES))])
    low, high = interval(_resampled(y, read))
    return {
        "beats": len(part),
        "acc": float(np.nanmean(recalls)),
        "low": low,
        "high": high,
        "acc_natural": float(read.mean()),
        "eps_equivalent": float(part["eps_equivalent"].median()),
    } | {f"recall_{name}": float(value) for name, value in zip(CLASSES, recalls, strict=True)}


def _resampled(y: np.ndarray, read: np.ndarray, repeats: int = 1000, seed: int = 0) -> np.ndarray:
    """(repeats,) mean of the classes' mean ``read``, each class's beats redrawn among themselves."""
    rng = np.random.default_rng(seed)
    means = []
    for label in np.unique(y):
        values, counts = np.unique(read[y == label], return_counts=True)
        means.append(rng.multinomial(counts.sum(), counts / counts.sum(), repeats) @ values / counts.sum())
    resampled: NDArray[np.float64] = np.mean(means, axis=0)
    return resampled


def _what_is_there(table: pd.DataFrame) -> dict[str, Any]:
    """For the card: how many beats there are under which noise."""
    there: dict[str, dict[str, int]] = {}
    for kind in [name for name in NOISE_KINDS if (table["kind"] == name).any()]:
        levels = table.loc[table["kind"] == kind, "snr_db"]
        there[kind] = {f"{level:g}": int((levels == level).sum()) for level in _descending(levels)}
    return {"beats": there}


def _descending(levels: pd.Series) -> list[float]:
    return sorted(map(float, levels.unique()), reverse=True)


def _part(table: pd.DataFrame, kind: str, level: float) -> pd.DataFrame:
    return table[(table["kind"] == kind) & (table["snr_db"] == level)]
