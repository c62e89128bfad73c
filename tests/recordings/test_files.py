"""Which format it is, which files belong together, and the digest."""

import dataclasses

import numpy as np
import pytest

from nsr_core.errors import UserError
from nsr_core.recordings.files import read_path
from nsr_core.recordings.formats.contents import COMPACTED, _compact
from nsr_core.recordings.limits import LIMITS
from nsr_core.recordings.recording import Samples
from tests.recordings.good import csv_file, edf_file, wfdb_files, zip_of


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.csv", csv_file(), "csv"),
        ("a.TSV", csv_file(), "csv"),
        ("a.txt", csv_file(), "csv"),
        ("a", csv_file(), "csv"),
        ("a.xyz", csv_file(), "csv"),
        ("a.edf", edf_file(), "edf"),
        ("a.EDF", edf_file(), "edf"),
        ("a", edf_file(), "edf"),
        ("a.csv", edf_file(), "edf"),
    ],
)
def test_a_single_file(read, name, content, kind):
    recording = read({name: content})
    assert recording.kind == kind
    assert recording.name == "a"
    assert len(recording.channels) == 2


@pytest.mark.parametrize("files", [{"a.csv": csv_file()}, {"a.edf": edf_file()}, wfdb_files()])
def test_a_zip_is_what_is_in_it(read, files):
    plain = read(files)
    zipped = read({"upload.zip": zip_of({f"folder/{name}": content for name, content in files.items()})})
    assert (zipped.name, zipped.kind, zipped.digest) == (plain.name, plain.kind, plain.digest)


def test_the_digest_is_of_names_and_contents_in_order(read):
    files = wfdb_files()
    assert read(files).digest == read(dict(reversed(files.items()))).digest
    without_annotations = {name: content for name, content in files.items() if not name.endswith(".atr")}
    assert read(files).digest != read(without_annotations).digest
    assert read({"a.csv": "1\n2"}).digest != read({"b.csv": "1\n2"}).digest
    assert read({"a.csv": "1\n2"}).digest != read({"a.csv": "1\n3"}).digest


def test_a_path_brings_the_first_annotation_file_beside_it_and_no_other(tmp_path):
    for name, content in wfdb_files().items():
        (tmp_path / name.replace(".atr", ".ecg")).write_bytes(content)
    (tmp_path / "r1.wqrs").write_bytes(b"damaged")
    recording = read_path(tmp_path / "r1.hea")
    assert len(recording.marks.symbols) == 10
    assert recording.notes == ()


def test_files_that_are_not_of_the_record_are_noted(read):
    recording = read(wfdb_files() | {"README.txt": b"hello", "r1.xws": b"x"})
    assert recording.notes == ('Not part of the record and not read: 2 files, such as "README.txt".',)
    assert recording.digest == read(wfdb_files()).digest


def test_another_annotation_file_will_do(read):
    files = wfdb_files()
    files["r1.qrs"] = files.pop("r1.atr")
    assert len(read(files).marks.symbols) == 10


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, r"^No file was given\. Give one of these: .*EDF"),
        ({"a.csv": b""}, r'^"a\.csv" is empty'),
        ({"a.dat": b"\0\1"}, r'^"a\.dat" is a part of a WFDB record\. Give its \.hea file'),
        ({"a.atr": b"\0\1"}, r"is a part of a WFDB record"),
        ({"a.bin": bytes(100)}, r'^"a\.bin" is of a kind that is not known\. Give one of these'),
        ({"a.zip": b"not one"}, r'^"a\.zip" is not a zip'),
        ({"a.zip": zip_of({})}, r'^"a\.zip" holds no file'),
        ({"a.csv": b"1", "b.csv": b"1"}, r"^2 files were given and none begins a record"),
        ({"a.csv": b"1", "b.zip": zip_of({})}, r'^"b\.zip" was given with other files'),
        ({"a.hea": b"", "b.hea": b""}, r'"a\.hea" cannot be read as a WFDB header: it is empty'),
        ({"r1.hea": wfdb_files()["r1.hea"]}, r'^"r1\.hea" names "r1\.dat", which was not given'),
        ({f"{number}.csv": b"1" for number in range(101)}, r"^101 files were given, at most 100"),
    ],
)
def test_what_cannot_be_taken(read, files, message):
    with pytest.raises(UserError, match=message):
        read(files)


def test_a_path(tmp_path):
    (tmp_path / "a.csv").write_bytes(csv_file())
    assert read_path(tmp_path / "a.csv").kind == "csv"
    assert read_path(str(tmp_path / "a.csv"), fs_hz=250).kind == "csv"


@pytest.mark.parametrize("given", ["r1", "r1.hea"])
def test_a_path_of_a_record_brings_its_files(read, tmp_path, given):
    for name, content in wfdb_files().items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "other.csv").write_bytes(b"1")
    recording = read_path(tmp_path / given)
    assert recording.digest == read(wfdb_files()).digest
    assert recording.notes == ()


def test_paths_that_cannot_be_read(tmp_path):
    with pytest.raises(UserError, match=r"nowhere\" is not a file\. Give one of these"):
        read_path(tmp_path / "nowhere")
    for path in (tmp_path, ".", "/", "", "a" * 5000, "x\0y"):
        with pytest.raises(UserError, match=r"is not a file"):
            read_path(path)
    (tmp_path / "r1.hea").write_bytes(wfdb_files()["r1.hea"])
    with pytest.raises(UserError, match=r'names "r1\.dat", which was not given'):
        read_path(tmp_path / "r1")
    (tmp_path / "long.csv").write_bytes(b"1\n" * 1000)
    with pytest.raises(UserError, match=r"at most 0\.0 MB are read"):
        read_path(tmp_path / "long.csv", limits=dataclasses.replace(LIMITS, streamed_bytes=1999))


def test_a_long_signal_takes_half_the_memory_where_that_loses_nothing():
    whole = np.arange(COMPACTED + 7) % 5000.0
    whole[3] = np.nan
    kept = _compact(whole)
    assert isinstance(kept, Samples)
    assert kept[:].dtype == np.float64
    assert np.array_equal(kept[:], whole, equal_nan=True)
    assert np.array_equal(kept[COMPACTED - 2 : COMPACTED + 3], whole[COMPACTED - 2 : COMPACTED + 3])
    for exact in (whole + 0.1, whole * 1e300, whole[:100]):
        assert _compact(exact) is exact
