"""The table of formats: all that is asked of each, and one that is added from outside."""

import numpy as np
import pytest

from nsr_core.recordings.formats import FORMATS, accepted, endings
from nsr_core.recordings.formats.contents import Contents
from nsr_core.recordings.formats.format import Format
from nsr_core.recordings.recording import Channel


@pytest.fixture
def pulse():
    """A format of one line, ``PULSE`` and a rate, and a byte for each sample; in the table for one test."""
    ours = Format(
        key="pulse",
        title="a pulse file",
        endings=(".pls",),
        recognise=lambda name, content: content.startswith(b"PULSE "),
        read=lambda given: Contents([_pulse_channel(given.content)]),
        reads="one signal",
    )
    before = dict(FORMATS)
    FORMATS.clear()
    FORMATS.update({"pulse": ours} | before)
    yield ours
    FORMATS.clear()
    FORMATS.update(before)


def _pulse_channel(content: bytes) -> Channel:
    head, samples = content.split(b"\n", 1)
    return Channel("II", "mV", float(head.split()[1]), np.frombuffer(samples, np.uint8).astype(np.float64))


def test_a_format_from_outside_is_read_offered_and_named(read, pulse):
    recording = read({"a.bin": b"PULSE 250\n" + bytes(range(200))})
    assert (recording.kind, recording.channels[0].fs_hz) == ("pulse", 250.0)
    assert "pls" in endings()
    assert "a pulse file (.pls)" in accepted()


@pytest.mark.parametrize("key", FORMATS)
def test_a_format_says_what_it_is(key):
    kind = FORMATS[key]
    assert kind.key == key
    assert kind.title
    assert kind.reads
    assert all(ending.startswith(".") and ending == ending.lower() for ending in (*kind.endings, *kind.companions))


@pytest.mark.parametrize(
    "content", [b"", b"\0", bytes(600), b"\xff" * 600, b"PK\x03\x04", "\ud800".encode(errors="replace")]
)
@pytest.mark.parametrize("key", FORMATS)
def test_recognising_does_not_fail(key, content):
    assert FORMATS[key].recognise("\ud800", content) in (True, False)
