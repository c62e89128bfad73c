"""Shipped results stay as they came: what is evaluated anew is a copy of one's own."""

import errno
import shutil
from pathlib import Path

import pytest
import toys

from nsr_core.errors import UserError
from nsr_core.files import process_mark
from nsr_core.training.card import CARD_FILE, HISTORY_FILE, MODEL_FILE, list_checkpoints, read_card
from nsr_core.training.checkpoint import load_checkpoint, save_checkpoint
from nsr_core.training.copies import own_copy
from nsr_core.training.state import STATE_FILE


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    """The default runs folder."""
    monkeypatch.setenv("NSR_RUNS_DIR", str(tmp_path / "runs"))
    return tmp_path / "runs"


@pytest.fixture
def shipped(checkpoint_folder) -> Path:
    """A checkpoint outside the runs folder, with results."""
    (checkpoint_folder / "robustness.csv").write_text("attack,eps\npgd20,0.1\n")
    return checkpoint_folder


@pytest.fixture
def retrained(shipped, tmp_path) -> Path:
    """A checkpoint of the same name elsewhere, with other weights."""
    folder = Path(shutil.copytree(shipped, tmp_path / "elsewhere" / shipped.name))
    card = {name: value for name, value in read_card(folder).items() if name not in ("format", "weights_sha256")}
    save_checkpoint(folder, toys.fresh("mlp", seed=5), card)
    return folder


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Every file below a folder with its bytes and when it was written, but the optimiser's state, which stays behind."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != STATE_FILE)
    return {str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def test_the_copy_is_whole_and_the_original_untouched(shipped, root):
    before = contents(shipped)
    copy = own_copy(shipped)
    assert copy == root / "mlp-mseMargin-own"
    assert {name: file[0] for name, file in contents(copy).items()} == {name: file[0] for name, file in before.items()}
    assert load_checkpoint(copy).digest == load_checkpoint(shipped).digest
    assert contents(shipped) == before
    assert [path.name for path in root.iterdir()] == [copy.name]


def test_what_is_written_to_the_copy_does_not_reach_the_original(shipped):
    before = contents(shipped)
    copy = own_copy(shipped)
    for path in copy.iterdir():
        with path.open("ab") as file:
            file.write(b"more")
    assert contents(shipped) == before


def test_the_root_may_be_another(shipped, root, tmp_path):
    copy = own_copy(shipped, tmp_path / "deep" / "runs")
    assert copy == tmp_path / "deep" / "runs" / "mlp-mseMargin-own"
    assert load_checkpoint(copy).name == "mlp-mseMargin-own"
    assert not root.exists()


def test_the_same_weights_are_copied_once(shipped, root):
    """Results that were added to the copy are still there the second time."""
    copy = own_copy(shipped)
    (copy / "robustness.csv").write_text("mine")
    before = contents(root)
    assert own_copy(shipped) == copy
    assert contents(root) == before


def test_other_weights_of_the_same_name_get_a_number(shipped, retrained, root):
    first, second = own_copy(shipped), own_copy(retrained)
    assert (first.name, second.name) == ("mlp-mseMargin-own", "mlp-mseMargin-own-2")
    for source, copy in ((shipped, first), (retrained, second)):
        assert load_checkpoint(source).digest == load_checkpoint(copy).digest
        assert own_copy(source) == copy
    assert list_checkpoints(root) == [first, second]


@pytest.mark.parametrize("missing", [CARD_FILE, MODEL_FILE])
def test_a_folder_of_that_name_that_is_no_checkpoint_is_left_alone(shipped, root, missing):
    """Half a copy, or something of the reader's own."""
    half = own_copy(shipped)
    (half / missing).unlink()
    before = contents(half)
    copy = own_copy(shipped)
    assert copy.name == "mlp-mseMargin-own-2"
    assert load_checkpoint(copy).digest == load_checkpoint(shipped).digest
    assert contents(half) == before


def test_a_file_of_that_name_is_left_alone(shipped, root):
    root.mkdir()
    (root / "mlp-mseMargin-own").write_text("notes")
    assert own_copy(shipped).name == "mlp-mseMargin-own-2"
    assert (root / "mlp-mseMargin-own").read_text() == "notes"


def test_what_a_copy_that_was_broken_off_left_is_not_taken(shipped, root, monkeypatch):
    """The process dies while it copies: the next copy is whole and has no file too many."""
    break_off(shipped, monkeypatch)
    assert list(root.iterdir()) == []
    (
        root / f".mlp-mseMargin-own.{process_mark().split('.')[0]}.99999999.0123abcd.partial"
    ).mkdir()  # of a killed process
    copy = own_copy(shipped)
    assert contents(copy).keys() == contents(shipped).keys()
    assert [path.name for path in root.iterdir()] == ["mlp-mseMargin-own"]


def test_a_copy_that_is_not_finished_is_not_listed(shipped, root, monkeypatch):
    break_off(shipped, monkeypatch)
    assert list_checkpoints(root) == []


def break_off(shipped, monkeypatch):
    """A copy that dies after its first two files."""

    def die(source, target, **settings):
        Path(target).mkdir()
        shutil.copy(Path(source) / CARD_FILE, target)
        (Path(target) / "stray").write_text("half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copytree", die)
        with pytest.raises(KeyboardInterrupt):
            own_copy(shipped)


def test_a_folder_in_the_root_is_one_s_own_already(shipped, root):
    own = Path(shutil.copytree(shipped, root / "mlp-mseMargin-1"))
    before = contents(root)
    assert own_copy(own) == own
    assert own_copy(root / ".." / root.name / own.name) == root / ".." / root.name / own.name
    assert contents(root) == before
    assert own_copy(own, root / "deeper") == root / "deeper" / "mlp-mseMargin-1-own"


def test_a_relative_root_is_the_same_place(shipped, root, monkeypatch):
    own = Path(shutil.copytree(shipped, root / "mlp-mseMargin-1"))
    monkeypatch.chdir(root.parent)
    assert own_copy(own, Path("runs")) == own
    assert own_copy(Path("runs/mlp-mseMargin-1"), root) == Path("runs/mlp-mseMargin-1")


def test_what_is_no_checkpoint_cannot_be_copied(tmp_path, shipped, root):
    (shipped / MODEL_FILE).write_bytes(b"damaged")
    with pytest.raises(UserError, match="damaged"):
        own_copy(shipped)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no checkpoint"):
        own_copy(tmp_path / "empty")
    assert not root.exists()


def test_a_root_that_is_no_folder_is_said_with_a_way_out(shipped, root):
    root.write_text("a file")
    with pytest.raises(UserError, match=rf"cannot be copied to {root} \(File exists\).*Free some space"):
        own_copy(shipped)
    assert root.read_text() == "a file"


@pytest.fixture
def full_disk(monkeypatch):
    """No file can be copied."""

    def full(source, target, **options):
        raise OSError(errno.ENOSPC, "No space left on device", str(target))

    monkeypatch.setattr(shutil, "copyfile", full)


def test_a_full_disk_is_said_with_a_way_out(shipped, root, full_disk):
    before = contents(shipped)
    with pytest.raises(UserError, match=r"mlp-mseMargin cannot be copied.*No space left on device.*Free some space"):
        own_copy(shipped)
    assert list_checkpoints(root) == []
    assert contents(shipped) == before


def test_a_full_disk_is_said_once(shipped, root, full_disk):
    with pytest.raises(UserError) as caught:
        own_copy(shipped)
    assert str(caught.value).count("No space left on device") == 1
    assert "[(" not in str(caught.value)


def test_a_copy_that_failed_takes_no_space(shipped, root, full_disk):
    with pytest.raises(UserError):
        own_copy(shipped)
    assert list(root.iterdir()) == []


def test_history_comes_along(shipped):
    assert (own_copy(shipped) / HISTORY_FILE).read_bytes() == (shipped / HISTORY_FILE).read_bytes()
