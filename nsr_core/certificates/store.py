"""Certify a checkpoint on its test beats and keep what is proved beside its weights."""

import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from nsr_core.certificates.methods import get_bound
from nsr_core.certificates.search import LEAST_MARGIN, tolerance_of
from nsr_core.certificates.stages import stages_of
from nsr_core.certificates.table import CERTIFICATES_TABLE, certify_beats, load_certificates, save_certificates
from nsr_core.compute import describe_machine
from nsr_core.data import Beats, Split
from nsr_core.data.beat_tables import place_in_table
from nsr_core.data.splits import chosen_test_beats, which_beats
from nsr_core.progress import Progress, as_part, no_progress
from nsr_core.training.card import read_card
from nsr_core.training.checkpoint import check_split
from nsr_core.training.results import known_entry, open_results, write_entry

CERTIFICATES_FILE = "certificates.parquet"
#: The card's entry, under ``results``.
ENTRY = "certificates"
#: Beats between two writings.
KEPT_EVERY = 128


def certify(
    folder: str | Path,
    beats: Beats,
    split: Split,
    *,
    method: str = "crown",
    per_class: int | None = None,
    spread: bool = False,
    signal_only: bool = False,
    replace_results: bool = False,
    progress: Progress = no_progress,
) -> pd.DataFrame:
    """The certified level of each test beat, in ``certificates.parquet`` beside the weights; the card says how.

    What is there with the same settings is not computed again, so an interrupted run goes on, and the first beats of each
    class serve the full test split later.

    Args:
        folder: of a checkpoint.
        beats, split: must be those that the checkpoint was trained on.
        method: a name in ``BOUNDS``.
        per_class, spread: see ``chosen_test_beats``.
        signal_only: whether noise leaves the padding untouched.
        replace_results: whether certificates with other settings may be replaced.
        progress: called with the number of beats.

    Returns:
        The table of the beats that were asked for (see ``nsr_core.certificates.table``), sorted by beat.

    Raises:
        UserError: not a checkpoint, one of another split, one whose network has no certificate, or there are certificates
            with other settings.
    """
    get_bound(method)
    with open_results(folder, "certifying") as checkpoint:
        stages = stages_of(checkpoint.network)  # else the card would tell of certificates that cannot be
        check_split(checkpoint, split)
        asked = chosen_test_beats(beats, split, per_class, spread)
        settings = {
            "method": {"name": method, "tolerance": tolerance_of(stages), "least_margin": LEAST_MARGIN},
            "signal_only": signal_only,
            "split": split.fingerprint,
        }
        known = known_entry(checkpoint, ENTRY, settings=settings, replace_results=replace_results)
        path = checkpoint.folder / CERTIFICATES_FILE
        if not known:
            path.unlink(missing_ok=True)  # rows of other settings are gone before the card names these
        entry = known or {**settings, "seconds": 0.0}
        table = CERTIFICATES_TABLE.load_to_add(path, replace_results)
        missing = asked[place_in_table(beats, asked, table) < 0]
        if len(missing):
            entry |= {"beats": which_beats(per_class, spread), "of": len(asked), "done": len(table)}
            write_entry(checkpoint, ENTRY, value=entry)
        elif entry.get("done") != len(table):  # the last run was killed between its table and this entry
            write_entry(checkpoint, ENTRY, value=entry | {"done": len(table)})
        for start in range(0, len(missing), KEPT_EVERY):
            began, before = time.perf_counter(), len(asked) - len(missing) + start
            part = missing[start : start + KEPT_EVERY]
            within = as_part(progress, before, len(asked))
            added = certify_beats(
                checkpoint.network, beats, part, method=method, signal_only=signal_only, progress=within
            )
            table = pd.concat([table, added], ignore_index=True)
            save_certificates(table, path)
            seconds = round(entry["seconds"] + time.perf_counter() - began, 1)
            entry |= {"done": len(table), "seconds": seconds, "machine": describe_machine(torch.device("cpu"))}
            write_entry(checkpoint, ENTRY, value=entry)
    return table.iloc[place_in_table(beats, asked, table)].sort_values(["record", "sample"], ignore_index=True)


def proved_levels(folder: str | Path, beats: Beats, rows: np.ndarray, *, signal_only: bool = False) -> np.ndarray:
    """(rows,) float32: up to which level no noise flips each beat, by the certificates beside a checkpoint's weights.

    0 where nothing is proved or known. What holds with noise on every sample holds with noise on the signal only.

    Args:
        folder: of a checkpoint.
        signal_only: whether noise leaves the padding untouched.
    """
    folder = Path(folder)
    entry = read_card(folder)["results"].get(ENTRY)
    if entry is None or not (folder / CERTIFICATES_FILE).exists() or (entry["signal_only"] and not signal_only):
        return np.zeros(len(rows), np.float32)
    table = load_certificates(folder / CERTIFICATES_FILE)
    place = place_in_table(beats, rows, table)
    return np.where(place >= 0, table["certified"].to_numpy()[place], np.float32(0))
