"""A file in the cache is whole or not there."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from platformdirs import user_cache_dir

from nsr_core.errors import UserError
from nsr_core.files import (
    CannotWrite,
    cache_dir,
    process_mark,
    read_json,
    remove_leftovers,
    scratch_prefix,
    write_atomically,
)

KILLED_WHILE_WRITING = """
import os, signal, sys, tempfile
from pathlib import Path
from nsr_core.files import scratch_prefix, write_atomically

def write(partial):
    partial.write_text("half")
    tempfile.mkdtemp(prefix=scratch_prefix("recording"), dir=partial.parent)
    os.kill(os.getpid(), signal.SIGKILL)

write_atomically(Path(sys.argv[1]) / "model.safetensors", write)
"""


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
    assert cache_dir() == Path(user_cache_dir("nsr-ecg"))


def test_what_the_system_refuses_is_one_line_and_the_systems_error_too(tmp_path):
    """/dev/full refuses every byte, as a full disk does."""
    with pytest.raises(
        UserError, match=r"file\.txt cannot be written \(No space left on device\)\. Free some space"
    ) as raised:
        write_atomically(tmp_path / "file.txt", lambda path: Path("/dev/full").write_text("x"))
    assert isinstance(raised.value, OSError)
    assert raised.value.strerror == "No space left on device"
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWrite, match=r"Not a directory|File exists"):
        write_atomically(tmp_path / "file" / "below", lambda path: path.write_text("x"))


def test_what_a_killed_process_left_is_removed(tmp_path):
    (tmp_path / "own.txt").write_text("stays")
    (tmp_path / ".hidden").write_text("stays")
    subprocess.run([sys.executable, "-c", KILLED_WHILE_WRITING, str(tmp_path)], check=False)
    assert len(list(tmp_path.iterdir())) == 4
    remove_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".hidden", "own.txt"]


def test_what_a_living_process_writes_stays(tmp_path):
    def write(partial):
        partial.write_text("new")
        remove_leftovers(tmp_path)
        assert partial.exists()

    write_atomically(tmp_path / "file.txt", write)
    with tempfile.TemporaryDirectory(prefix=scratch_prefix("recording"), dir=tmp_path) as folder:
        remove_leftovers(tmp_path)
        assert os.path.isdir(folder)
    assert (tmp_path / "file.txt").read_text() == "new"


def test_of_another_machine_nothing_is_removed_for_a_day(tmp_path):
    path = tmp_path / ".model.elsewhere.99999999.0123abcd.partial.safetensors"
    path.write_text("half")
    remove_leftovers(tmp_path)
    assert path.exists()
    then = time.time() - 2 * 86_400
    os.utime(path, (then, then))
    remove_leftovers(tmp_path)
    assert not path.exists()


def test_two_writers_of_one_file_never_share_a_partial_one(tmp_path):
    seen = []

    def write(partial):
        seen.append(partial.name)
        partial.write_text("x")

    for _ in range(2):
        write_atomically(tmp_path / "file.txt", write)
    assert len(set(seen)) == 2
    assert all(f".file.{process_mark()}." in name and name.endswith(".partial.txt") for name in seen)


def test_brackets_without_end_are_no_json(tmp_path):
    path = tmp_path / "deep.json"
    path.write_text("[" * 200_000)
    with pytest.raises(ValueError, match="nested too deeply"):
        read_json(path)


def test_no_signal_is_sent_where_signal_0_is_ctrl_c(tmp_path, monkeypatch):
    """On Windows, looking whether a process lives as elsewhere would end it."""
    left = tmp_path / f".a.{process_mark()}.00000000.partial"
    left.touch()
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(os, "kill", lambda *_: pytest.fail("a signal was sent"))
    remove_leftovers(tmp_path)
    assert left.exists()
    os.utime(left, (0, 0))
    remove_leftovers(tmp_path)
    assert not left.exists()
