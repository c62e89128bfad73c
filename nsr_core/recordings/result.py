"""What networks made of a recording: the class of each beat, the smallest noise that changes it, what is proved; in tables and words."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nsr_core import DISCLAIMER, __version__
from nsr_core.beat.smallest_flip import LARGEST, SEARCH_ATTACK, TOLERANCE
from nsr_core.data import CLASSES, Beats
from nsr_core.recordings.beats import NO_CLASS, CutRecording
from nsr_core.recordings.likeness import shapeless
from nsr_core.recordings.quality import REASONS
from nsr_core.recordings.shifts import REACH_MS, SHIFTS
from nsr_core.settings import described_fields
from nsr_core.writing import rows_of

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


def rounded_up(level: Any, decimals: int) -> Any:
    """A number or an array of them, none smaller than it was."""
    return np.ceil(level * 10**decimals) / 10**decimals


def rounded_down(level: Any, decimals: int) -> Any:
    """A number or an array of them, none larger than it was."""
    return np.floor(level * 10**decimals) / 10**decimals
