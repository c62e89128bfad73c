"""A cut recording as networks read it: every beat's class, how little noise changes it, and what is proved."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from nsr_core.beat.smallest_flip import smallest_flips
from nsr_core.certificates import certify_beats, is_quick_to_certify
from nsr_core.data import Beats
from nsr_core.errors import UserError
from nsr_core.models import Network
from nsr_core.progress import Progress, as_part, no_progress
from nsr_core.recordings.beats import CutRecording
from nsr_core.recordings.likeness import distances, load_likeness
from nsr_core.recordings.result import NetworkReading, RecordingReading
from nsr_core.recordings.search import Search, choose, likely_flips, usual_search
from nsr_core.recordings.shifts import (
    READING,
    SHIFTS,
    read_shifted,
    shifted_beats,
    shifted_ranges,
    stands_over,
)
from nsr_core.training.checkpoint import Checkpoint

#: About how many times as long as reading a beat at all cuts a search takes: the time left is reckoned by it.
SEARCH_WORK = 10


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
