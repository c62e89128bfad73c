"""The report to print: true to scale, complete, and it says what it is for on every page."""

import re
import zlib
from dataclasses import replace

import numpy as np
import pytest

from nsr_core.recordings.beats import cut_recording
from nsr_core.recordings.reading import read_recording_beats
from nsr_core.recordings.report import MM_PER_MV, on_paper, report_pdf
from nsr_core.recordings.sample import LEAD_NAME, sample_recording
from nsr_core.training.checkpoint import load_checkpoint
from tests.conftest import REPOSITORY


@pytest.fixture(scope="module")
def result():
    cut = cut_recording(sample_recording(), LEAD_NAME, start_s=0, stop_s=30)
    return read_recording_beats(cut, [load_checkpoint(REPOSITORY / "checkpoints" / "mlp-ce")])


def written(pdf: bytes) -> str:
    """The text of all pages."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    pages = [zlib.decompress(stream) for stream in streams if stream[:1] == b"\x78"]
    return b" ".join(b" ".join(re.findall(rb"\((.*?)(?<!\\)\)", page)) for page in pages).decode("latin-1")


def test_a_millimetre_is_a_millimetre():
    x, y = on_paper(np.array([0.0, 1.0] * 180), 10.0, 50.0, 40.0, MM_PER_MV)
    assert x[180] - x[0] == pytest.approx(12.5), "half a second"
    assert y[0] - y[1] == pytest.approx(10.0), "one millivolt, upwards"


def test_it_says_what_was_found_and_what_it_is_for(result):
    pdf = report_pdf(result, {"mlp-ce": "Cross-entropy (ce), MLP"}, 0.0)
    assert pdf.startswith(b"%PDF")
    text = written(pdf)
    pages = len(re.findall(rb"/Type /Page\b", pdf))
    assert text.count("Not for clinical use") == pages
    assert f"{len(result.cut.row)} read" in text
    assert "ross-entropy \\(ce" in text
    most = np.nanmin(result.networks["mlp-ce"].flips_at)
    assert f"{np.ceil(most * 1e4) / 1e4:.4f}" in text


def test_names_that_the_fonts_cannot_write_and_missing_samples_do_no_harm(result):
    missing = np.zeros(len(result.cut.lead.signal), bool)
    missing[100:500] = True
    cut = replace(result.cut, recording="心電図 ✓", lead=replace(result.cut.lead, missing=missing, in_mv=False))
    assert report_pdf(replace(result, cut=cut), {"mlp-ce": "ε"}, 5.0).startswith(b"%PDF")
