"""A recording that was read as a PDF to print: findings, strips at their true size on ECG paper, what it cannot say."""

from collections.abc import Mapping, Sequence

import numpy as np
from fpdf import FPDF
from fpdf.enums import XPos, YPos

from nsr_core import DISCLAIMER
from nsr_core.data import CLASS_NAMES, CLASSES
from nsr_core.data.beats import RECORD_FS_HZ
from nsr_core.recordings.leads import heart_rate
from nsr_core.recordings.quality import REASONS
from nsr_core.recordings.result import NetworkReading, RecordingReading, rounded_up
from nsr_core.recordings.shifts import SHIFTS

#: Printed without scaling, a millimetre of the page is a millimetre of ECG paper.
MM_PER_SECOND, MM_PER_MV = 25.0, 10.0
MARGIN_MM, WIDTH_MM = 18.5, 260.0
STRIP_SECONDS = 10.0
#: Of a strip, at least and at most; what is higher is cut off at the paper's edge.
STRIP_MM = (30.0, 60.0)
LISTED = 5
FINE, BOLD, TRACE, MUTED = (250, 222, 220), (240, 178, 174), (20, 20, 20), (95, 95, 95)
LIMITS = (
    "The networks that read these beats have learned from 47 patients of one hospital, and sort beats into five classes. They "
    "know no rhythm, no patient and no other lead. What they read is no diagnosis.",
    "The noise that changes a reading is the smallest that one attack found; less may do. Where a level is called proved, no "
    "noise up to it changes the reading. Of beats for which no noise was searched, neither is known.",
    "A beat that is unlike the training beats was read without anybody having tested such beats.",
)


class _Paper(FPDF):
    """A page that says at its foot what it is for."""

    def footer(self) -> None:
        self.set_y(-11)
        self.set_font("Helvetica", "B", 9)
        self.set_text_color(*MUTED)
        self.cell(0, 6, f"{DISCLAIMER}  Page {self.page_no()}", align="C")


def report_pdf(result: RecordingReading, titles: Mapping[str, str], start_s: float) -> bytes:
    """The report, A4 across.

    Args:
        titles: of the networks, by checkpoint name.
        start_s: where the first strip begins; the second shows the most fragile reading of the first network.
    """
    paper = _Paper("L", "mm", "A4")
    paper.set_margins(MARGIN_MM, 12)
    paper.set_auto_page_break(True, 14)
    paper.c_margin = 0  # text begins where the strips do
    paper.set_title(_plain(f"ECG reading of {result.cut.recording}"))
    paper.add_page()
    _heading(paper, f"{result.cut.recording}, lead {result.cut.lead.name}", 16)
    _words(paper, _about(result))
    for name, reading in result.networks.items():
        _words(
            paper, f"{titles[name]}: {_findings(reading)} {result.search_in_words(name)} {result.cuts_in_words(name)}"
        )
    _strip(paper, result, start_s, f"From {start_s:g} s")
    first = next(iter(result.networks.values()))
    fragile = _most_fragile(first)
    if len(fragile):
        at = float(result.cut.time_s[result.cut.row[fragile[0]]])
        begin = max(result.cut.lead.start_s, at - STRIP_SECONDS / 2)
        _strip(paper, result, begin, f"Around the most fragile reading, at {at:.1f} s")
        _table(paper, result, first, titles[first.checkpoint], fragile[:LISTED])
    _heading(paper, "What this cannot say", 12)
    for sentence in LIMITS:
        _words(paper, f"- {sentence}")
    return bytes(paper.output())


def _plain(text: str) -> str:
    """What the built-in fonts can write; other characters become question marks."""
    return text.encode("latin-1", "replace").decode("latin-1")


def _heading(paper: FPDF, text: str, size: int) -> None:
    paper.set_font("Helvetica", "B", size)
    paper.set_text_color(*TRACE)
    paper.multi_cell(WIDTH_MM, size * 0.5, _plain(text), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def _words(paper: FPDF, text: str) -> None:
    paper.set_font("Helvetica", "", 9.5)
    paper.set_text_color(*TRACE)
    paper.multi_cell(WIDTH_MM, 4.2, _plain(text), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    paper.ln(0.8)


def _about(result: RecordingReading) -> str:
    cut = result.cut
    _, rate = heart_rate(cut.time_s)
    pulse = f" Heart rate {np.median(rate):.0f} a minute (median)." if len(rate) else ""
    left_out = [
        f"{count}: {text.lower().rstrip('.')}" for key, text in REASONS.items() if (count := (cut.reason == key).sum())
    ]
    why = f" ({'; '.join(left_out)})" if left_out else ""
    missed = f" {len(cut.unclassified)} large deflections are not classified." if len(cut.unclassified) else ""
    return (
        f"{cut.lead.seconds:.0f} s from {cut.lead.start_s:g} s on, recorded at {cut.lead.fs_hz:g} Hz. {len(cut.sample):,} beats "
        f"({cut.beats_from}), {len(cut.row):,} read, {len(cut.sample) - len(cut.row):,} left out{why}, "
        f"{int(result.unlike.sum()):,} unlike the training beats.{pulse}{missed}"
    )


def _findings(reading: NetworkReading) -> str:
    counts = np.bincount(reading.label, minlength=len(CLASSES))
    names = [f"{letter} ({CLASS_NAMES[letter].lower().replace(' beat', '')})" for letter in CLASSES]
    return ", ".join(f"{counts[label]:,} {names[label]}" for label in np.argsort(-counts) if counts[label]) + "."


def _most_fragile(reading: NetworkReading) -> np.ndarray:
    order = np.argsort(np.where(np.isfinite(reading.flips_at), reading.flips_at, np.inf), kind="stable")
    return order[np.isfinite(reading.flips_at[order])]


def _strip(paper: FPDF, result: RecordingReading, start_s: float, title: str) -> None:
    """Ten seconds of the lead at 25 mm/s and 10 mm/mV, above each beat what the first network reads."""
    lead = result.cut.lead
    first = max(round((start_s - lead.start_s) * RECORD_FS_HZ), 0)
    part = slice(first, first + round(STRIP_SECONDS * RECORD_FS_HZ))
    signal, missing = lead.signal[part], lead.missing[part]
    if not len(signal):
        return
    mm_per_unit = MM_PER_MV if lead.in_mv else STRIP_MM[0] / max(float(np.ptp(signal)), 1e-9)
    height = 5 * float(np.ceil(np.clip(np.ptp(signal) * mm_per_unit + 12, *STRIP_MM) / 5))
    if paper.get_y() + height + 12 > paper.h - 14:
        paper.add_page()
    scale = "25 mm/s, 10 mm/mV, printed without scaling" if lead.in_mv else "25 mm/s, unit not known"
    _heading(paper, f"{title} ({scale})", 10)
    left, top, width = MARGIN_MM, paper.get_y(), STRIP_SECONDS * MM_PER_SECOND
    _grid(paper, left, top, width, height)
    x, y = on_paper(signal, left, top + height, height, mm_per_unit)
    paper.set_draw_color(*TRACE)
    paper.set_line_width(0.25)
    with paper.local_context():
        paper.set_line_width(0.25)
        for run in _unbroken(missing):
            paper.polyline(list(zip(x[run].tolist(), y[run].clip(top, top + height).tolist(), strict=True)))
    _letters(paper, result, start_s, left, top)
    paper.set_y(top + height + 3)


def on_paper(
    signal: np.ndarray, left: float, bottom: float, height: float, mm_per_unit: float
) -> tuple[np.ndarray, np.ndarray]:
    """(n,) millimetres from the page's left and top: 25 mm a second, the signal's middle in the middle of the strip."""
    middle = (float(signal.min()) + float(signal.max())) / 2
    x = left + np.arange(len(signal)) / RECORD_FS_HZ * MM_PER_SECOND
    return x, bottom - height / 2 - (signal - middle) * mm_per_unit


def _grid(paper: FPDF, left: float, top: float, width: float, height: float) -> None:
    for step, colour, thick in ((1.0, FINE, 0.08), (5.0, BOLD, 0.15)):
        paper.set_draw_color(*colour)
        paper.set_line_width(thick)
        for x in np.arange(0, width + 1e-6, step):
            paper.line(left + x, top, left + x, top + height)
        for y in np.arange(0, height + 1e-6, step):
            paper.line(left, top + y, left + width, top + y)


def _unbroken(missing: np.ndarray) -> Sequence[slice]:
    """The runs of samples that were recorded."""
    edges = np.flatnonzero(np.diff(np.concatenate([[True], missing, [True]]).astype(int)))
    return [slice(first, last) for first, last in edges.reshape(-1, 2).tolist() if last - first > 1]


def _letters(paper: FPDF, result: RecordingReading, start_s: float, left: float, top: float) -> None:
    reading = next(iter(result.networks.values()))
    time_s = result.cut.time_s[result.cut.row]
    paper.set_font("Helvetica", "B", 8)
    paper.set_text_color(*MUTED)
    for row in np.flatnonzero((time_s >= start_s) & (time_s < start_s + STRIP_SECONDS)):
        at = left + (float(time_s[row]) - start_s) * MM_PER_SECOND
        paper.text(at - 0.8, top + 3.2, CLASSES[reading.label[row]])


def _table(paper: FPDF, result: RecordingReading, reading: NetworkReading, title: str, rows: np.ndarray) -> None:
    _heading(paper, f"Most fragile readings of {title}", 12)
    spread = result.cut.beats.mv_range.astype(float)
    header = ("time, s", "read as", "certainty", "changed by, mV", "as share of the range", "same at cuts", "unlike")
    lines = [
        (
            f"{result.cut.time_s[result.cut.row[row]]:.1f}",
            CLASS_NAMES[CLASSES[reading.label[row]]],
            f"{reading.probability[row].max():.0%}",
            f"{rounded_up(reading.flips_at[row] * spread[row], 3):.3f}" if np.isfinite(spread[row]) else "-",
            f"{rounded_up(reading.flips_at[row], 4):.4f}",
            f"{reading.stands_over[row]} of {len(SHIFTS)}",
            "yes" if result.unlike[row] else "",
        )
        for row in rows
    ]
    paper.set_font("Helvetica", "", 9)
    paper.set_text_color(*TRACE)
    paper.set_draw_color(*MUTED)
    paper.set_line_width(0.1)
    with paper.table(
        col_widths=(22, 70, 24, 34, 40, 30, 20), width=240, line_height=5, align="LEFT", padding=(0, 1)
    ) as table:
        for line in (header, *lines):
            cells = table.row()
            for text in line:
                cells.cell(_plain(text))
    paper.ln(3)
