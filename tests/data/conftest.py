"""Shared by the data tests: tiny records, and beats without a signal."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import wfdb

from nsr_core.data import Beats, mitbih


@pytest.fixture
def toy_root(tmp_path, monkeypatch) -> Path:
    """Two records of 2,000 samples, "900" and "901", that stand in for the 48.

    Signal 0 is ``i % 100`` ADC units at sample ``i`` (100 units a mV, 0 mV at 50), but 300 at ``TOY_SPIKE``;
    signal 1 is flat and must not be used. Annotations of "900": see ``TOY_MARKS``; of "901": two N beats
    300 samples apart and an S beat.
    """
    root = tmp_path / "records"
    root.mkdir()
    write_record(root, "900", *TOY_MARKS)
    write_record(root, "901", [10, 310, 610], ["N", "N", "A"])
    checksums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(root.iterdir())}
    monkeypatch.setattr(mitbih, "CHECKSUMS", checksums)
    monkeypatch.setattr(mitbih, "RECORDS", ("900", "901"))
    return root


TOY_MARKS = ([20, 50, 350, 590, 690, 990, 1590, 1990], ["+", "N", "V", "~", "F", "/", "A", "N"])
TOY_SPIKE = 1590


def write_record(root: Path, name: str, samples: list[int], symbols: list[str]) -> None:
    """One WFDB record with its annotations."""
    saw = np.arange(2000) % 100
    saw[TOY_SPIKE] = 300
    wfdb.wrsamp(
        name,
        fs=360,
        units=["mV", "mV"],
        sig_name=["MLII", "V1"],
        d_signal=np.column_stack([saw, np.full(2000, 7)]),
        fmt=["212", "212"],
        adc_gain=[100.0, 100.0],
        baseline=[50, 50],
        write_dir=str(root),
    )
    wfdb.wrann(name, "atr", np.array(samples), np.array(symbols), write_dir=str(root))


@pytest.fixture
def make_beats():
    """A maker of beats without any signal, for tests of what only looks at classes and names."""

    def make(y: list[int] | np.ndarray, record: list[str] | None = None, source: str = "mitbih") -> Beats:
        count = len(y)
        return Beats(
            x=np.zeros((count, 187), np.float32),
            y=np.asarray(y, np.int64),
            length=np.full(count, 100, np.int16),
            record=np.array(record if record is not None else ["100"] * count),
            sample=np.arange(count, dtype=np.int64),
            lead=np.full(count, "MLII"),
            mv_min=np.full(count, -1.0, np.float32),
            mv_max=np.full(count, 1.0, np.float32),
            cut_short=np.zeros(count, bool),
            truncated=np.zeros(count, bool),
            source=source,
        )

    return make
