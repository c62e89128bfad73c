"""The verdicts on several checkpoints as Markdown: what the documentation shows is made here."""

from collections.abc import Iterable, Mapping
from functools import reduce
from pathlib import Path

import numpy as np
import pandas as pd

from nsr_core.certificates import CERTIFICATES_FILE, band, load_certificates, proved_share
from nsr_core.data.everyday_noise import NOISE_KINDS
from nsr_core.verdict.everyday import EVERYDAY_FILE, load_everyday, summarise_everyday
from nsr_core.verdict.levels import at, read_levels
from nsr_core.verdict.masking import MaskingCheck, load_masking
from nsr_core.verdict.patients import read_patients
from nsr_core.verdict.verdict import WHOLE, Verdict, breaks, read_verdict
from nsr_core.writing import markdown

#: Levels at which proofs are shown; at larger ones hardly anything is proved.
PROOF_LEVELS = (0.003, 0.01, 0.02, 0.03, 0.05)
#: Those that certified training aims at.
CERTIFIED_LEVELS = (0.03, 0.05, 0.1)
#: Signal-to-noise ratios at which everyday noise is shown.
SNR_DB = (12.0, 6.0)
SIGN_TITLES = {"green": "green", "amber": "**amber**", "red": "**red**"}


def verdicts_of(folders: Iterable[Path]) -> dict[str, Verdict]:
    """By name, those that have one."""
    return {folder.name: verdict for folder in folders if (verdict := read_verdict(folder)) is not None}


def worst_markdown(verdicts: Mapping[str, Verdict]) -> str:
    """Worst case and, in brackets, 100-PGD as published, both on the same beats."""
    levels = _levels(verdicts)
    rows = []
    for name, found in verdicts.items():
        known = (at(found.levels, eps) for eps in levels)
        cells = (
            f"{row['worst']:.2f}" + ("" if np.isnan(row["published"]) else f" ({row['published']:.2f})")
            for row in known
        )
        rows.append((name, f"{len(found.beats):,}", *cells))
    return markdown(("checkpoint", "beats", *_numbers(levels)), rows)


def signal_markdown(verdicts: Mapping[str, Verdict]) -> str:
    """Worst case with noise on the signal only and, in brackets, on all samples of the same beats, where there is one."""
    levels = _levels(verdicts)
    rows = []
    for name, found in verdicts.items():
        if found.levels["signal"].isna().all():
            continue
        known = (at(found.levels, eps) for eps in levels)
        rows.append((name, *(f"{row['signal']:.2f} ({row['signal_worst']:.2f})" for row in known)))
    return markdown(("checkpoint", *_numbers(levels)), rows)


def proof_markdown(verdicts: Mapping[str, Verdict]) -> str:
    """Proved to undecided's upper edge, at levels of interest, for the checkpoints that have certificates."""
    rows = []
    for name, found in verdicts.items():
        certified = found.beats["certified"]
        if certified.isna().all():
            continue
        right = found.beats["clean"] == found.beats["y"]
        known = band(found.beats, PROOF_LEVELS)
        ends = zip(known["proved"].to_numpy(), (1 - known["broken"]).to_numpy(), strict=True)
        cells = (f"{proved:.2f} to {not_broken:.2f}" for proved, not_broken in ends)
        rows.append((name, f"{certified[right].median():.4f}", *cells))
    return markdown(("checkpoint", "median certified", *_numbers(PROOF_LEVELS)), rows)


def certified_markdown(folders: Iterable[Path]) -> str:
    """ACC without noise and certified, of each checkpoint that has certificates, over the beats that have one."""
    rows = []
    for folder in folders:
        if (folder / CERTIFICATES_FILE).exists():
            table = load_certificates(folder / CERTIFICATES_FILE)
            shares = [np.nanmean(proved_share(table, eps)) for eps in (0.0, *CERTIFIED_LEVELS)]
            rows.append((folder.name, f"{len(table):,}", *(f"{share:.2f}" for share in shares)))
    return markdown(("checkpoint", "beats", "without noise", *_numbers(CERTIFIED_LEVELS)), rows)


def certified_seeds_markdown(folders: Iterable[Path]) -> str:
    """The same over trainings that differ in the seed alone, on the beats that all of them have a certificate for.

    Mean and sample standard deviation over the seeds, and the values one by one; beside the proof the worst case, on the beats
    that each was attacked on, where all were.
    """
    by_training: dict[str, list[Path]] = {}
    for folder in folders:
        if (folder / CERTIFICATES_FILE).exists():
            by_training.setdefault(folder.name.partition("-seed-")[0], []).append(folder)
    rows = []
    for name, trained in by_training.items():
        if len(trained) == 1:
            continue
        tables = [load_certificates(folder / CERTIFICATES_FILE).set_index(["record", "sample"]) for folder in trained]
        common = reduce(pd.Index.intersection, [table.index for table in tables])
        verdicts = [read_levels(folder) for folder in trained]
        columns = [
            [np.nanmean(proved_share(table.loc[common], eps)) for table in tables] for eps in (0.0, *CERTIFIED_LEVELS)
        ]
        columns.append([np.nan if found is None else at(found, CERTIFIED_LEVELS[-1])["worst"] for found in verdicts])
        rows.append((name, f"{len(common):,}", *map(_over_seeds, columns)))
    header = ("training", "beats", "without noise", *_numbers(CERTIFIED_LEVELS), f"worst case {CERTIFIED_LEVELS[-1]:g}")
    return markdown(header, rows)


def _over_seeds(values: list[float]) -> str:
    """``0.676 ± 0.011 (0.688, 0.665, 0.676)``; nothing where one is not known."""
    if np.isnan(values).any():
        return ""
    return f"{np.mean(values):.3f} ± {np.std(values, ddof=1):.3f} ({', '.join(f'{value:.3f}' for value in values)})"


def breaks_markdown(verdicts: Mapping[str, Verdict]) -> str:
    """How many beats each attack was the first to break, over all noise levels."""
    counts = {name: breaks(found).sum() for name, found in verdicts.items()}
    total = pd.concat(list(counts.values())).groupby(level=0).sum().sort_values(ascending=False)
    attacks: list[str] = total.index.tolist()
    rows = [(name, *(f"{int(found.get(attack, 0)):,}" for attack in attacks)) for name, found in counts.items()]
    return markdown(("checkpoint", *attacks), rows)


def masking_markdown(folders: Iterable[Path]) -> str:
    """The light of every sign of every checkpoint that was looked at."""
    checks: dict[str, MaskingCheck] = {folder.name: check for folder in folders if (check := load_masking(folder))}
    signs = [sign.title for sign in next(iter(checks.values())).signs]
    lights = {name: (check.light, *(sign.light for sign in check.signs)) for name, check in checks.items()}
    rows = [(name, *(SIGN_TITLES[light] for light in each)) for name, each in lights.items()]
    return markdown(("checkpoint", "all together", *signs), rows)


def everyday_markdown(folders: Iterable[Path]) -> str:
    """Accuracy under everyday noise at two signal-to-noise ratios, by kind."""
    columns = [f"{NOISE_KINDS[kind].title} {snr:g} dB" for kind in NOISE_KINDS for snr in SNR_DB]
    rows = []
    for folder in folders:
        if not (folder / EVERYDAY_FILE).exists():
            continue
        result = summarise_everyday(load_everyday(folder / EVERYDAY_FILE)).set_index(["kind", "snr_db"])["acc"]
        cells = [result.iloc[0], *(result[kind, snr] for kind in NOISE_KINDS for snr in SNR_DB)]
        rows.append((folder.name, *(f"{value:.2f}" for value in cells)))
    return markdown(("checkpoint", "no noise", *columns), rows)


def patients_markdown(folders: Iterable[Path], eps: float) -> str:
    """Accuracy and F1 by class at natural prevalence without noise and in the worst case, with intervals over patients."""
    header = ("ACC, no noise", f"ACC, worst case {eps:g}", "macro F1, no noise", "F1 by class N, S, V, F, Q")
    rows = []
    for folder in folders:
        clean, worst = read_patients(folder, "pgd100"), read_patients(folder, WHOLE, eps)
        cells = [_with_interval(clean.overall.iloc[0]), _with_interval(worst.overall.iloc[0])]
        cells += [
            _with_interval(clean.overall.iloc[2]),
            ", ".join(f"{value:.2f}" for value in clean.classes["f1"].to_numpy()),
        ]
        rows.append((folder.name, *cells))
    return markdown(("checkpoint", *header), rows)


def _with_interval(row: pd.Series) -> str:
    return f"{row['value']:.2f} ({row['low']:.2f} to {row['high']:.2f})"


def _levels(verdicts: Mapping[str, Verdict]) -> list[float]:
    first = next(iter(verdicts.values()))
    return [float(eps) for eps in first.levels["eps"]]


def _numbers(levels: Iterable[float]) -> list[str]:
    return [f"{eps:g}" for eps in levels]
