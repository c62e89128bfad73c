"""The beat: 187 samples at 120 Hz scaled to [0, 1], and everything known about where it came from."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

CLASSES = ("N", "S", "V", "F", "Q")
CLASS_NAMES = {
    "N": "Normal or bundle branch block beat",
    "S": "Supraventricular ectopic beat",
    "V": "Ventricular ectopic beat",
    "F": "Fusion of ventricular and normal beat",
    "Q": "Paced or unclassifiable beat",
}
#: Annotation symbols of the MIT-BIH records, by class (AAMI EC57, as grouped by Kachuee et al. 2018).
CLASS_SYMBOLS = {"N": "NLRej", "S": "AaJS", "V": "VE", "F": "F", "Q": "/fQ"}
BEAT_LENGTH = 187
RECORD_FS_HZ = 360.0
DECIMATION = 3
FS_HZ = RECORD_FS_HZ / DECIMATION

#: To be named wherever something computed from the records is shown or passed on.
CITATION = (
    "Moody GB, Mark RG. The impact of the MIT-BIH Arrhythmia Database. IEEE Eng Med Biol 20(3):45-50 (2001). "
    "Goldberger AL et al. PhysioBank, PhysioToolkit, and PhysioNet. Circulation 101(23):e215-e220 (2000). "
    "MIT-BIH Arrhythmia Database 1.0.0, Open Data Commons Attribution License 1.0."
)


@dataclass(frozen=True)
class Beats:
    """``n`` heartbeats and their provenance, one row per beat.

    Attributes:
        x: (n, 187) float32 in [0, 1]; at 120 Hz, zero after ``length`` samples.
        y: (n,) int64, index into ``CLASSES``.
        length: (n,) int16, how many of the 187 samples are signal; the rest is padding.
        record: (n,) str, the record's name; published CSV: ``"train"`` or ``"test"``; demo beats: ``"demo"``.
        sample: (n,) int64, position of the beat's annotation in its record at 360 Hz. Published CSV:
            the row, counted from 0 over both files. Demo beats: a running number.
        lead: (n,) str, name of the lead; ``""`` where it is not known, ``"synthetic"`` for demo beats.
        mv_min, mv_max: (n,) float32, the values in mV that became 0 and 1; NaN where not known.
        cut_short: (n,) bool, whether a mark that is not a beat (a rhythm change, a noise mark)
            ended the window before the next beat could.
        truncated: (n,) bool, whether the beat was longer than 187 samples and lost its end.
        source: ``"mitbih"``, ``"kaggle"``, ``"demo"``, or ``"own"`` for a recording that somebody brought.
    """

    x: NDArray[np.float32]
    y: NDArray[np.int64]
    length: NDArray[np.int16]
    record: NDArray[np.str_]
    sample: NDArray[np.int64]
    lead: NDArray[np.str_]
    mv_min: NDArray[np.float32]
    mv_max: NDArray[np.float32]
    cut_short: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    source: str

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name != "source" and len(value) != len(self.x):
                raise ValueError(f"{field.name} has {len(value)} rows, x has {len(self.x)}: all columns must agree")

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: np.ndarray | slice) -> "Beats":
        """The beats at ``index`` (a slice, an integer array or a boolean mask), all columns together."""
        columns = {f.name: getattr(self, f.name)[index] for f in fields(self) if f.name != "source"}
        return Beats(**columns, source=self.source)

    @property
    def mv_range(self) -> NDArray[np.float32]:
        """(n,) float32, peak to peak in mV: multiply an epsilon in [0, 1] by this to have it in mV."""
        return self.mv_max - self.mv_min

    def class_counts(self) -> dict[str, int]:
        """Number of beats of each class, in the order of ``CLASSES``."""
        counts = np.bincount(self.y, minlength=len(CLASSES))
        return {name: int(count) for name, count in zip(CLASSES, counts, strict=True)}

    def name(self, row: int) -> str:
        """The name of one beat; on real beats much faster than to name them all."""
        return f"{self.record[row]}:{self.sample[row]}"

    def names(self) -> np.ndarray:
        """(n,) str, ``record:sample``, a name that stays the same in every split, table and export."""
        return np.char.add(np.char.add(self.record, ":"), self.sample.astype(str))


def signal_mask(length: np.ndarray) -> np.ndarray:
    """(n, 187) bool, True on the samples that are signal, False on the padding."""
    return np.arange(BEAT_LENGTH) < np.asarray(length)[:, None]
