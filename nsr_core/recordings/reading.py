"""A cut recording as networks read it: every beat's class, how little noise changes it, and what is proved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from nsr_core import DISCLAIMER, __version__
from nsr_core.beat.smallest_flip import LARGEST, SEARCH_ATTACK, TOLERANCE, smallest_flips
from nsr_core.certificates import certify_beats, is_quick_to_certify
from nsr_core.data import CLASSES, Beats
from nsr_core.errors import UserError
from nsr_core.models import Network
from nsr_core.progress import Progress, as_part, no_progress
from nsr_core.recordings.beats import NO_CLASS, CutRecording
from nsr_core.recordings.likeness import distances, load_likeness, shapeless
from nsr_core.recordings.quality import REASONS
from nsr_core.recordings.search import Search, choose, likely_flips, usual_search
from nsr_core.recordings.shifts import (
    REACH_MS,
    READING,
    SHIFTS,
    read_shifted,
    shifted_beats,
    shifted_ranges,
    stands_over,
)
from nsr_core.settings import described_fields
from nsr_core.training.checkpoint import Checkpoint
from nsr_core.writing import rows_of

#: About how many times as long as reading a beat at all cuts a search takes: the time left is reckoned by it.
SEARCH_WORK = 10
#: Decimals of the noise levels in tables: what is proved is rounded down, what was found up, so that both still hold.
DECIMALS = 5


@dataclass(frozen=True)
class NetworkReading:
    """What one network makes of ``k`` beats.

    Attributes:
        checkpoint, weights: the network's name and the digest of its weights.
        probability: (k, 5).
        searched: (k,) bool, whether the smallest noise that changes the reading was searched for; of the others nothing is
            known, neither that noise changes them nor that they withstand it.
        evenly: (k,) bool, those of the searched that are spread evenly over the recording, and so stand for all; all of them where
            all are searched. The other searched ones are the likely most fragile (``nsr_core.recordings.search``).
        flips_at: (k,) smallest noise found that changes the reading, in units of the beat's range; NaN where none up to 0.3
            was found, or none was searched for. An upper bound.
        certified: (k,) no noise up to this level changes the reading, proved; NaN where no proof was asked for, there is none
            for the network, or the beat was not searched.
        stands_over: (k,) int64, at how many of the 11 cuts within 14 ms the beat is read alike (``nsr_core.recordings.shifts``).
        certified_cuts: (k,) as ``certified``, but for every one of those cuts; 0 where the reading does not stand over all.
    """

    checkpoint: str
    weights: str
    probability: NDArray[np.floating]
    searched: NDArray[np.bool_]
    evenly: NDArray[np.bool_]
    flips_at: NDArray[np.float64]
    certified: NDArray[np.float64]
    stands_over: NDArray[np.int64]
    certified_cuts: NDArray[np.float64]

    @cached_property
    def label(self) -> NDArray[np.int64]:
        """(k,) int64, what each beat is read as."""
        label: NDArray[np.int64] = self.probability.argmax(axis=1)
        return label


@dataclass(frozen=True)
class RecordingReading:
    """A cut recording read by one or more networks.

    Attributes:
        cut: the recording and its beats.
        networks: by checkpoint name, in the order asked for.
        unlikeness: (k,) distance of each usable beat to the training beats (see ``nsr_core.recordings.likeness``).
        unlike_from: the distance beyond which a beat is called unlike the training beats.
        seed: of the search.
    """

    cut: CutRecording
    networks: Mapping[str, NetworkReading]
    unlikeness: NDArray[np.float64]
    unlike_from: float
    seed: int

    @cached_property
    def unlike(self) -> NDArray[np.bool_]:
        """(k,) bool, whether a beat is unlike the training beats."""
        unlike: NDArray[np.bool_] = (self.unlikeness > self.unlike_from) | shapeless(
            self.cut.beats.x, self.cut.beats.length
        )
        return unlike

    def beats_for(self, checkpoint: str) -> Beats:
        """The usable beats as a data set: each of the class that the recording's marks give it, else of what was read."""
        marked = self.cut.marked[self.cut.row]
        return replace(self.cut.beats, y=np.where(marked == NO_CLASS, self.networks[checkpoint].label, marked))

    def noise(self, checkpoint: str) -> np.ndarray:
        """(k,) ``flips_at`` of a network, in mV where they are known."""
        flips_at = self.networks[checkpoint].flips_at
        return flips_at * self.cut.beats.mv_range.astype(np.float64) if self.cut.lead.in_mv else flips_at

    def median_noise(self, checkpoint: str) -> float:
        """Under so much noise half of a network's readings change, by those that were searched evenly.

        Infinite where fewer than half could be changed.
        """
        noise = self.noise(checkpoint)[self.networks[checkpoint].evenly]
        return float(np.median(np.where(np.isfinite(noise), noise, np.inf)))

    def search_in_words(self, checkpoint: str) -> str:
        """For how many beats the smallest noise was searched, and for which."""
        result = self.networks[checkpoint]
        count, searched, evenly = len(result.searched), int(result.searched.sum()), int(result.evenly.sum())
        if searched == count:
            return f"Smallest noise searched for all {count:,} beats."
        fragile = f"the {searched - evenly:,} that look most fragile and " if searched > evenly else ""
        return f"Smallest noise searched for {searched:,} of {count:,} beats: {fragile}{evenly:,} spread evenly."

    def cuts_in_words(self, checkpoint: str) -> str:
        """Over how many cuts a network's readings stand and, where it was proved, under how much noise at all of them."""
        result = self.networks[checkpoint]
        stands = result.stands_over == len(SHIFTS)
        words = f"{int(stands.sum()):,} of {len(stands):,} beats are read alike at every cut within ±{REACH_MS:.0f} ms"
        sample = stands & result.evenly
        levels = np.nan_to_num(result.certified_cuts[sample])
        if self.cut.lead.in_mv:
            levels = levels * self.cut.beats.mv_range[sample].astype(float)
        level = rounded_down(np.median(levels), 4) if len(levels) else 0.0
        if level <= 0:
            return f"{words}."
        unit = "mV" if self.cut.lead.in_mv else "of the range"
        of = "" if result.evenly.all() else f" (by {len(levels):,} of them, spread evenly)"
        return f"{words}; half of these{of} under any noise up to ±{level:g} {unit} as well, proved."

    def counts(self) -> pd.DataFrame:
        """Rows by class: ``class`` and for each network how many beats it reads as that."""
        columns = {
            name: np.bincount(result.label, minlength=len(CLASSES)).tolist() for name, result in self.networks.items()
        }
        return pd.DataFrame({"class": list(CLASSES)} | columns)

    def table(self) -> pd.DataFrame:
        """One row for each beat, also for those left out.

        Columns: ``beat`` (its name), ``time_s``, ``left_out`` (why, in words, else ""), ``marked`` (the class by the
        recording's own marks, else ""), ``range_mv``, ``unlikeness``, ``unlike``; and for each network ``NAME class``,
        ``NAME p``, ``NAME searched``, ``NAME flips at`` (in units of the range; without a value where no noise up to 0.3 was found,
        and where the beat was not searched), ``NAME flips at mV``, ``NAME proved to``, ``NAME stands over`` (of 11
        cuts), ``NAME proved for all cuts`` and ``NAME proved for all cuts mV``.
        """
        cut = self.cut
        rows = pd.DataFrame(
            {
                "beat": [f"{cut.key}:{sample}" for sample in cut.sample.tolist()],
                "time_s": cut.time_s.round(3),
                "left_out": [REASONS.get(reason, "") for reason in cut.reason.tolist()],
                "marked": ["" if label == NO_CLASS else CLASSES[label] for label in cut.marked.tolist()],
            }
        )
        usable = pd.DataFrame(self._usable_columns(), index=cut.row)
        return rows.join(usable)

    def _usable_columns(self) -> dict[str, Any]:
        spread = self.cut.beats.mv_range.astype(np.float64)
        columns: dict[str, Any] = {"range_mv": spread.round(4), "unlikeness": self.unlikeness.round(3)}
        columns["unlike"] = self.unlike
        for name, result in self.networks.items():
            columns |= {
                f"{name} class": np.array(CLASSES)[result.label],
                f"{name} p": result.probability.max(axis=1).astype(np.float64).round(4),
                f"{name} searched": result.searched,
                f"{name} flips at": rounded_up(result.flips_at, DECIMALS),
                f"{name} flips at mV": rounded_up(result.flips_at * spread, DECIMALS),
                f"{name} proved to": rounded_down(result.certified, DECIMALS),
                f"{name} stands over": pd.array(result.stands_over, dtype="Int64"),  # whole also where others have none
                f"{name} proved for all cuts": rounded_down(result.certified_cuts, DECIMALS),
                f"{name} proved for all cuts mV": rounded_down(result.certified_cuts * spread, DECIMALS),
            }
        return columns

    def facts(self) -> dict[str, Any]:
        """What a table or a figure of it must be passed on with: recording, choices, networks, how it was searched."""
        cut = self.cut
        return {
            "use": DISCLAIMER,
            "nsr_core": __version__,
            "recording": cut.recording,
            "recording_sha256": cut.digest,
            "lead": cut.lead.name,
            "recorded_at_hz": cut.lead.fs_hz,
            "in_mv": cut.lead.in_mv,
            "start_s": cut.lead.start_s,
            "seconds": round(cut.lead.seconds, 3),
            "beats_from": cut.beats_from,
            "beats_found": len(cut.sample),
            "beats_read": len(cut.row),
            "not_classified_s": cut.unclassified_s.round(3).tolist(),
            "weights": {name: result.weights for name, result in self.networks.items()},
            "searched": {
                name: {
                    "beats": int(result.searched.sum()),
                    "evenly": int(result.evenly.sum()),
                    "of": len(result.searched),
                }
                for name, result in self.networks.items()
            },
            "noise": {
                "protocol": "custom",
                "attack": SEARCH_ATTACK.name,
                **{name: getattr(SEARCH_ATTACK, name) for name in described_fields(SEARCH_ATTACK)},
                "signal_only": True,
                "largest_level": LARGEST,
                "tolerance": TOLERANCE,
                "seed": self.seed,
                "meaning": "flips at: noise that was found to change the reading, less may do; without a value, none was found "
                "where searched is true, and nothing is known where it is false; proved to: no noise up to it does",
            },
            "unlike_from": round(self.unlike_from, 4),
        }

    def to_json(self) -> dict[str, Any]:
        """The facts and the table's rows, plain values; what is not known is None."""
        return self.facts() | {"counts": rows_of(self.counts()), "rows": rows_of(self.table())}


def read_recording_beats(
    cut: CutRecording,
    checkpoints: Sequence[Checkpoint],
    *,
    prove: bool = False,
    search: Search | None = None,
    seed: int = 0,
    progress: Progress = no_progress,
) -> RecordingReading:
    """Let networks read every usable beat, and look for the smallest noise that changes each reading.

    A recording of one's own comes from ``nsr_core.recordings.files.read_path``:

    >>> from nsr_core.recordings.beats import cut_recording
    >>> from nsr_core.recordings.sample import sample_recording
    >>> from nsr_core.training.checkpoint import load_checkpoint
    >>> recording = sample_recording()
    >>> cut = cut_recording(recording, recording.channels[0].name, stop_s=15.0)
    >>> result = read_recording_beats(cut, [load_checkpoint("checkpoints/mlp-ce")])
    >>> len(cut.beats), result.counts().set_index("class")["mlp-ce"].to_dict()
    (16, {'N': 15, 'S': 0, 'V': 1, 'F': 0, 'Q': 0})

    Args:
        checkpoints: one or more.
        prove: also prove up to which level no noise changes a reading, where that takes milliseconds (through convolutions
            it takes seconds a beat, and none is made): some 20 ms a beat, and as much again for each of the ten other cuts of
            a beat that is read alike at all of them.
        search: for how many beats of each network the smallest noise is searched (and, with ``prove``, a proof made), or
            ``"all"``; by default all of up to two hours, and 512 of more: half spread evenly, half the likely most fragile.
        progress: called with the work done over all networks; raising from it stops the work.

    Raises:
        UserError: no beat of the recording can be used, none is to be searched, or two checkpoints have the same name.
    """
    names = [checkpoint.name for checkpoint in checkpoints]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UserError(f"Two of the networks are called {twice[0]}. Rename the folder of one, or leave it out.")
    work = work_of(cut, search, prove)
    networks = {}
    for number, checkpoint in enumerate(checkpoints):
        part = as_part(progress, number * work, work * len(checkpoints))
        networks[checkpoint.name] = read_with(checkpoint, cut, prove=prove, search=search, seed=seed, progress=part)
    return compare_with_training(cut, networks, seed)


def compare_with_training(cut: CutRecording, networks: Mapping[str, NetworkReading], seed: int = 0) -> RecordingReading:
    """What networks read, and how unlike the training beats each beat is."""
    likeness = load_likeness()
    unlikeness = distances(likeness, cut.beats)
    return RecordingReading(cut, networks, unlikeness, likeness.limit, seed)


def read_with(
    checkpoint: Checkpoint,
    cut: CutRecording,
    *,
    prove: bool = False,
    search: Search | None = None,
    seed: int = 0,
    progress: Progress = no_progress,
) -> NetworkReading:
    """What one network makes of a recording's usable beats; as ``read_recording_beats``.

    Raises:
        UserError: none of the beats can be used, or none is to be searched.
    """
    work = work_of(cut, search, prove)
    reading = classify(checkpoint, cut, progress=as_part(progress, 0, work))
    chosen = choose(checkpoint.network, cut.beats, _amount(cut, search))
    evenly = np.isin(np.arange(len(cut.row)), chosen.evenly)
    rest = _times(as_part(progress, len(cut.row), work), SEARCH_WORK)
    return _searched(replace(reading, evenly=evenly), checkpoint.network, cut, chosen.rows, prove, seed, rest)


def not_searched(checkpoint: Checkpoint, cut: CutRecording, reading: NetworkReading) -> NDArray[np.int64]:
    """Rows of the usable beats that were not searched, the likely most fragile first."""
    order = np.argsort(likely_flips(checkpoint.network, cut.beats), kind="stable")
    left: NDArray[np.int64] = order[~reading.searched[order]]
    return left


def search_more(
    checkpoint: Checkpoint,
    cut: CutRecording,
    reading: NetworkReading,
    rows: NDArray[np.int64],
    *,
    prove: bool = False,
    seed: int = 0,
    progress: Progress = no_progress,
) -> NetworkReading:
    """The same reading with more beats searched.

    Args:
        reading: of this checkpoint and recording, as ``read_with`` gave it with the same ``prove`` and ``seed``.
        rows: one or more of ``not_searched``, from its beginning: what is searched beyond an even sample is the most fragile.
    """
    more = _searched(reading, checkpoint.network, cut, np.sort(rows), prove, seed, progress)
    return replace(more, evenly=np.ones_like(more.searched)) if more.searched.all() else more


def classify(checkpoint: Checkpoint, cut: CutRecording, *, progress: Progress = no_progress) -> NetworkReading:
    """The class of each usable beat, also at the other cuts, without any search.

    Raises:
        UserError: none of the beats can be used.
    """
    count = len(cut.row)
    if not count:
        raise UserError(
            f"None of the {len(cut.sample)} beats in {cut.lead.name} can be used. Choose another lead or stretch."
        )
    network = checkpoint.network
    progress(0, count, READING)
    probability = probabilities(network, cut.beats.x)
    stands = stands_over(read_shifted(network, cut, progress=progress))
    none, unknown = np.zeros(count, bool), np.full(count, np.nan)
    return NetworkReading(
        checkpoint.name, checkpoint.digest, probability, none, none, unknown, unknown, stands, unknown
    )


def probabilities(network: Network, x: np.ndarray) -> NDArray[np.floating]:
    """(k, 5) of ``k`` beats, at least one, without any search: a day's beats in less than a second by an MLP."""
    with torch.inference_mode():
        probability: NDArray[np.floating] = torch.cat(
            [network(rows).softmax(1) for rows in torch.from_numpy(x).split(2048)]
        ).numpy()
    return probability


def work_of(cut: CutRecording, search: Search | None, prove: bool) -> int:
    """The work that a network makes: every beat is read, and the chosen ones searched, with proofs once more for each cut."""
    amount = _amount(cut, search)
    searched = len(cut.row) if amount == "all" else min(amount, len(cut.row))
    return len(cut.row) + SEARCH_WORK * searched * _rounds(prove)


def _rounds(prove: bool) -> int:
    return 1 + len(SHIFTS) * prove


def _times(progress: Progress, work: int) -> Progress:
    """Progress where each beat is so much work."""
    return lambda done, total, what: progress(done * work, total * work, what)


def _amount(cut: CutRecording, search: Search | None) -> Search:
    if search is not None and search != "all" and search < 1:
        raise UserError(f'The smallest noise cannot be searched for {search:,} beats. Give 1 or more, or "all".')
    return usual_search(cut.lead.seconds) if search is None else search


def _searched(
    reading: NetworkReading,
    network: Network,
    cut: CutRecording,
    rows: NDArray[np.int64],
    prove: bool,
    seed: int,
    progress: Progress,
) -> NetworkReading:
    """The reading with these beats searched and, where it is asked for, proved."""
    beats, count = cut.beats[rows], len(rows)
    work = count * _rounds(prove)
    searched, flips_at = reading.searched.copy(), reading.flips_at.copy()
    searched[rows] = True
    flips_at[rows] = smallest_flips(network, beats, numbers=rows, seed=seed, progress=as_part(progress, 0, work))
    found = replace(reading, searched=searched, flips_at=flips_at)
    if not prove:
        return found
    certified, certified_cuts = reading.certified.copy(), reading.certified_cuts.copy()
    certified[rows] = _prove(network, beats, reading.label[rows], as_part(progress, count, work))
    certified_cuts[rows] = _prove_all_cuts(
        network, cut, rows, reading.label[rows], certified[rows], reading.stands_over[rows], as_part(progress, 2 * count, work)
    )  # fmt: skip
    return replace(found, certified=certified, certified_cuts=certified_cuts)


def _prove_all_cuts(
    network: Network,
    cut: CutRecording,
    chosen: np.ndarray,
    label: np.ndarray,
    certified: np.ndarray,
    stands: np.ndarray,
    progress: Progress,
) -> np.ndarray:
    """(chosen,) the least of the certified levels over all cuts, each in units of the beat's own range; 0 where a cut is read otherwise.

    A level of a shifted beat counts in units of that one's range, which may be another: noise is compared in the lead's unit.
    """
    own, least = shifted_ranges(cut, 0, chosen), certified.copy()
    rows = np.flatnonzero((stands == len(SHIFTS)) & (certified > 0))
    least[(stands < len(SHIFTS)) & np.isfinite(certified)] = 0.0
    others = [by for by in SHIFTS if by]
    for number, by in enumerate(others):
        part = as_part(progress, number * len(rows), len(others) * len(rows))
        level = _prove(network, shifted_beats(cut, by, chosen[rows]), label[rows], part)
        least[rows] = np.minimum(least[rows], level * shifted_ranges(cut, by, chosen[rows]) / own[rows])
    progress(len(certified) * len(others), len(certified) * len(others), "certified beats")
    return least


def _prove(network: Network, beats: Beats, label: np.ndarray, progress: Progress) -> np.ndarray:
    """(k,) certified levels of what was read, noise on the signal only; NaN for a network without a quick proof."""
    if not is_quick_to_certify(network):
        progress(len(beats), len(beats), "a proof for this network takes too long for a recording")
        return np.full(len(beats), np.nan)
    table = certify_beats(
        network, replace(beats, y=label), np.arange(len(beats)), signal_only=True, progress=progress
    )  # fmt: skip
    return table["certified"].to_numpy(np.float64)


def rounded_up(level: Any, decimals: int) -> Any:
    """A number or an array of them, none smaller than it was."""
    return np.ceil(level * 10**decimals) / 10**decimals


def rounded_down(level: Any, decimals: int) -> Any:
    """A number or an array of them, none larger than it was."""
    return np.floor(level * 10**decimals) / 10**decimals
