"""A file in the cache is whole or not there."""

from pathlib import Path

import pooch
import pytest

from nsr_core.files import cache_dir, write_atomically


def test_writes_into_a_folder_that_is_not_there_yet(tmp_path):
    path = tmp_path / "a" / "b" / "file.npz"
    write_atomically(path, lambda partial: partial.write_text("new"))
    assert path.read_text() == "new"
    assert list(path.parent.iterdir()) == [path]


def test_a_writer_that_fails_leaves_the_old_file_and_no_partial_one(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")

    def fail(partial: Path) -> None:
        partial.write_text("ha")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, fail)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_old_file_is_whole_while_the_new_one_is_written(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")

    def write(partial: Path) -> None:
        assert partial.parent == path.parent
        assert partial.suffix == path.suffix
        partial.write_text("new")
        assert path.read_text() == "old"

    write_atomically(path, write)
    assert path.read_text() == "new"


def test_the_environment_names_the_cache(tmp_path, monkeypatch):
    assert cache_dir() == tmp_path / "cache"
    monkeypatch.delenv("NSR_CACHE_DIR")
    assert cache_dir() == Path(pooch.os_cache("nsr-ecg"))
