"""Zips: a record out of one, and those that are not opened."""

import dataclasses
import struct
import zipfile

import numpy as np
import pytest

from nsr_core.errors import UserError
from nsr_core.recordings.formats.archive import unzip
from nsr_core.recordings.limits import LIMITS, Deadline
from tests.recordings.good import csv_file, wfdb_files, zip_of
from tests.recordings.malformed import lying_bomb, zip_bomb


def unpack(content, limits=LIMITS):
    return unzip("a.zip", content, limits, Deadline(limits))


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_files_come_out_as_they_went_in(method):
    assert unpack(zip_of(wfdb_files(), method)) == wfdb_files()


def test_folders_and_what_systems_add_are_passed_over():
    content = zip_of({"data/": b"", "data/r/a.csv": b"1", "__MACOSX/data/._a.csv": b"x", ".DS_Store": b"y"})
    assert unpack(content) == {"a.csv": b"1"}


@pytest.mark.parametrize("name", ["../a.csv", "/a.csv", "b/../../a.csv", "..\\a.csv", "C:\\a.csv", "C:a.csv"])
def test_paths_that_lead_out(name):
    with pytest.raises(UserError, match=r'^"a\.zip" names a path outside itself, ".*"\. Unpack it and give'):
        unpack(zip_of({name: b"1"}))


@pytest.mark.parametrize("name", ["inner.zip", "inner.csv"])
def test_a_zip_in_a_zip(name):
    with pytest.raises(UserError, match=rf'^"a\.zip" holds another zip, "{name}", which is not opened'):
        unpack(zip_of({name: zip_of({"a.csv": b"1"})}))


def test_bombs():
    assert len(zip_bomb()) < 1_000_000
    with pytest.raises(UserError, match=r"unpacks to more than 10\.\d MB, which is not read"):
        unpack(zip_bomb())
    with pytest.raises(UserError, match=r"is not a whole zip"):
        unpack(lying_bomb())


def test_what_is_unpacked_is_counted_whatever_the_directory_says(monkeypatch):
    limits = dataclasses.replace(LIMITS, unzipped_bytes=1000)
    content = zip_of({"a.csv": bytes(2000)})
    monkeypatch.setattr(
        "nsr_core.recordings.formats.archive._usable_entries", lambda _, __, entries, ___: {"a.csv": entries[0]}
    )
    with pytest.raises(UserError, match=r"^The zip unpacks to more than its directory says"):
        unpack(content, limits)


@pytest.mark.parametrize(
    ("count", "message"), [(101, "holds 101 files, at most 100"), (30_000, "a directory for far more files")]
)
def test_too_many_files(count, message):
    with pytest.raises(UserError, match=message):
        unpack(zip_of({f"{number}.csv": b"" for number in range(count)}, zipfile.ZIP_STORED))


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_other_methods(method):
    with pytest.raises(UserError, match=r"is packed by another method than deflate"):
        unpack(zip_of({"a.csv": b"1"}, method))


def test_encrypted():
    content = bytearray(zip_of({"a.csv": b"1"}))
    content[content.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(UserError, match=r'^"a\.zip" is encrypted'):
        unpack(bytes(content))


def test_two_files_of_one_name():
    with pytest.raises(UserError, match=r'holds two files named "a\.csv"'):
        unpack(zip_of({"x/a.csv": b"1", "y/a.csv": b"2"}))


def test_a_directory_of_64_bits():
    content = zip_of({"a.csv": b"1"})
    end = content.index(b"PK\x05\x06")
    with pytest.raises(UserError, match=r"a directory for far more files"):
        unpack(content[:end] + b"PK\x06\x07" + bytes(16) + content[end:])


def test_damage():
    good = zip_of({"a.csv": csv_file(100)})
    at = good.index(b"PK\x01\x02") - 50
    for content in (good[:-30], good[:at] + b"xxxx" + good[at + 4 :], b"PK\x03\x04", good[:30] + struct.pack("<L", 7)):
        with pytest.raises(UserError, match=r'^"a\.zip" is not a whole zip'):
            unpack(content)


def test_what_a_small_zip_may_cost(tmp_path):
    """A flat line packs to a thousandth; what comes out is bounded by the zip's own size, from ten megabytes on."""
    content = zip_of({"a.csv": b"0\n" * 4_900_000})
    assert len(content) < 50_000
    assert len(unpack(content)["a.csv"]) == 9_800_000
    with pytest.raises(UserError, match=r"unpacks to more than 10\.0 MB"):
        unpack(zip_of({"a.csv": b"0\n" * 6_000_000}))
    noise = np.random.default_rng(0).integers(0, 10, 12_000_000, np.uint8) + ord("0")
    assert len(unpack(zip_of({"a.csv": noise.tobytes()}))["a.csv"]) == 12_000_000
