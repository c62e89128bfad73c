"""Shared by the evaluation tests: raw per-beat tables, and beats of any kind."""

import numpy as np
import pandas as pd
import pytest

from nsr_core.data import Beats
from nsr_core.evaluation.table import COLUMN_TYPES


@pytest.fixture
def make_table():
    """``make(step, pred, y, clean, eps, attack)``: a table of one row for each entry of the (levels, beats) ``step``."""

    def make(step, pred, y, clean, eps, attack="pgd") -> pd.DataFrame:
        step, pred = np.asarray(step), np.asarray(pred)
        levels, count = step.shape
        return pd.DataFrame(
            {
                "record": np.tile([f"{100 + beat}" for beat in range(count)], levels),
                "sample": np.tile(np.arange(count), levels),
                "y": np.tile(y, levels),
                "clean": np.tile(clean, levels),
                "attack": np.full(levels * count, attack),
                "eps": np.repeat(np.asarray(eps, float), count),
                "step": step.reshape(-1),
                "pred": pred.reshape(-1),
                "queries": np.ones(levels * count, np.int64),
            }
        ).astype(COLUMN_TYPES)

    return make


@pytest.fixture
def beats_of():
    """``make(x, y, record, sample)``: beats with a signal, of one record unless told."""

    def make(x, y, record=None, sample=None, source="demo") -> Beats:
        count = len(x)
        return Beats(
            x=np.asarray(x),
            y=np.asarray(y, np.int64),
            length=np.full(count, 100, np.int16),
            record=np.array(["100"] * count if record is None else record),
            sample=np.arange(count) if sample is None else np.asarray(sample, np.int64),
            lead=np.full(count, "MLII"),
            mv_min=np.full(count, -1.0, np.float32),
            mv_max=np.full(count, 1.0, np.float32),
            cut_short=np.zeros(count, bool),
            truncated=np.zeros(count, bool),
            source=source,
        )

    return make
