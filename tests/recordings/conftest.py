"""Shared by the tests of recordings: one call that reads what a test has made."""

import pytest

from nsr_core.recordings.files import read_recording
from tests.recordings.valid import check_recording


@pytest.fixture
def read():
    """``read({"a.csv": b"..."}, fs_hz=250)`` to a ``Recording`` that has been checked; a text stands for its UTF-8."""

    def run(files, **options):
        recording = read_recording(
            {name: content.encode() if isinstance(content, str) else content for name, content in files.items()},
            **options,
        )
        check_recording(recording)
        return recording

    return run
