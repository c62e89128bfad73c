"""A beat of a recording that somebody brought, among its neighbours."""

import numpy as np

from nsr_core.beat.context import REACH_S, Context, around
from nsr_core.data.beats import RECORD_FS_HZ
from nsr_core.recordings.beats import CutRecording

#: On either side of a beat: its neighbours as far as they are shown, and their windows.
SEEN_S = 2 * REACH_S


def own_context(cut: CutRecording, row: int) -> Context:
    """The context of one of the usable beats of a recording.

    Args:
        row: the beat's row in ``cut.beats``.
    """
    at, lead = int(cut.row[row]), cut.lead
    first, last = (int(cut.sample[at] + side * SEEN_S * RECORD_FS_HZ) for side in (-1, 1))
    place = np.arange(max(first, 0), min(last, len(lead.signal)))
    time_s = lead.start_s + place / RECORD_FS_HZ
    stop_s = lead.start_s + float(cut.stop[at]) / RECORD_FS_HZ
    return around(lead.name, lead.in_mv, time_s, lead.signal[place], cut.time_s, [""] * len(cut.sample), at, stop_s)
