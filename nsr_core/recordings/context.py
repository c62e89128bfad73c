"""A beat of a recording that somebody brought, among its neighbours."""

import numpy as np

from nsr_core.beat.context import Context, around
from nsr_core.data.beats import RECORD_FS_HZ
from nsr_core.recordings.beats import CutRecording


def own_context(cut: CutRecording, row: int) -> Context:
    """The context of one of the usable beats of a recording.

    Args:
        row: the beat's row in ``cut.beats``.
    """
    at, lead = int(cut.row[row]), cut.lead
    time_s = lead.start_s + np.arange(len(lead.signal)) / RECORD_FS_HZ
    stop_s = lead.start_s + float(cut.stop[at]) / RECORD_FS_HZ
    return around(lead.name, lead.in_mv, time_s, lead.signal, cut.time_s, [""] * len(cut.sample), at, stop_s)
