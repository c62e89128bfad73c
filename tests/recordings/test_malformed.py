"""A few hundred malformed uploads of all kinds, and a look at whether the checks would notice."""

import mmap
import os
import sys
import warnings

import pytest

from tests.recordings import fuzz
from tests.recordings.malformed import KINDS, Case, make_case

pytestmark = pytest.mark.slow

PER_KIND = 5


@pytest.fixture(scope="module", autouse=True)
def warm():
    fuzz.warm_up()


@pytest.mark.parametrize("kind", KINDS)
def test_malformed_uploads_end_in_a_recording_or_a_clear_message(kind, tmp_path):
    for seed in range(PER_KIND):
        fuzz.run_case(make_case(kind, seed), tmp_path)


def test_a_case_is_the_same_again():
    assert make_case("csv flipped", 3) == make_case("csv flipped", 3)
    assert make_case("csv flipped", 3) != make_case("csv flipped", 4)


@pytest.mark.parametrize(
    "misdeed",
    [
        lambda: print("hello"),
        lambda: print("hello", file=sys.stderr),
        lambda: warnings.warn("hello", stacklevel=1),
        lambda: open("here", "w").close(),
        lambda: os.mkdir("there"),
        lambda: open(os.path.join(fuzz.tempfile.gettempdir(), "left"), "w").close(),
        lambda: 1 / 0,
        # Not from the heap, where earlier tests may have left as much.
        lambda: mmap.mmap(-1, 200_000_000).write(bytes(200_000_000)),
    ],
)
def test_the_checks_notice(misdeed, tmp_path, monkeypatch):
    read_recording = fuzz.read_recording

    def misbehaving(files, **options):
        misdeed()
        return read_recording(files, **options)

    monkeypatch.setattr(fuzz, "read_recording", misbehaving)
    with pytest.raises((AssertionError, ZeroDivisionError)):
        fuzz.run_case(Case("good", {"a.csv": b"1\n2\n"}), tmp_path)
