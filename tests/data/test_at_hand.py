"""Whether a source's beats are here already, so that a page may show them without a download."""

import shutil

import pytest

from nsr_core.data import SOURCES, is_at_hand, load_beats, mitbih
from nsr_core.data.kaggle import FILES


@pytest.fixture
def csv_folder(tmp_path):
    """The published CSV, two beats long."""
    folder = tmp_path / "csv"
    folder.mkdir()
    for name in FILES.values():
        (folder / name).write_text(",".join(["0.5"] * 187 + ["2"]) + "\n")
    return folder


def test_the_demo_beats_always_are():
    assert is_at_hand("demo")


def test_the_others_are_not_where_nothing_is(tmp_path):
    """No environment, no cache: a download would be needed."""
    for source in set(SOURCES) - {"demo"}:
        assert not is_at_hand(source)
        assert not is_at_hand(source, tmp_path / "nowhere")


def test_an_unknown_source_is_not():
    assert not is_at_hand("ptb")


@pytest.mark.parametrize(("source", "variable"), [("mitbih", "NSR_MITDB_DIR"), ("kaggle", "NSR_KAGGLE_DIR")])
def test_the_environment_may_name_a_folder(source, variable, toy_root, csv_folder, monkeypatch):
    folder = {"mitbih": toy_root, "kaggle": csv_folder}[source]
    monkeypatch.setenv(variable, str(folder / "not"))
    assert not is_at_hand(source)
    monkeypatch.setenv(variable, str(folder))
    assert is_at_hand(source)
    assert load_beats(source).source == source


@pytest.mark.parametrize("source", ["mitbih", "kaggle"])
def test_the_caller_may_name_a_folder(source, toy_root, csv_folder):
    """As text or as a path; it says nothing of the other source."""
    folder = {"mitbih": toy_root, "kaggle": csv_folder}[source]
    assert is_at_hand(source, folder)
    assert is_at_hand(source, str(folder))
    assert not is_at_hand(source)
    assert load_beats(source, folder).source == source


@pytest.mark.parametrize("source", ["mitbih", "kaggle"])
def test_a_folder_in_the_user_s_home_may_be_named_by_a_tilde(source, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "records").mkdir()
    assert is_at_hand(source, "~/records")
    assert not is_at_hand(source, "~/other")


@pytest.mark.parametrize("source", ["mitbih", "kaggle"])
def test_a_file_is_no_folder(source, tmp_path):
    (tmp_path / "records").write_text("")
    assert not is_at_hand(source, tmp_path / "records")


@pytest.mark.parametrize("source", ["mitbih", "kaggle"])
def test_a_folder_that_the_caller_names_goes_before_the_environment_s(source, tmp_path, monkeypatch):
    monkeypatch.setenv("NSR_MITDB_DIR", str(tmp_path))
    monkeypatch.setenv("NSR_KAGGLE_DIR", str(tmp_path))
    assert is_at_hand(source)
    assert not is_at_hand(source, tmp_path / "nowhere")


def test_records_that_were_cut_once_need_no_folder(toy_root):
    load_beats("mitbih", toy_root)
    shutil.rmtree(toy_root)
    assert is_at_hand("mitbih")
    assert len(load_beats("mitbih")) == 7


def test_looking_reads_nothing_and_downloads_nothing(tmp_path, monkeypatch):
    """Whatever lies there: an empty folder counts as the place."""

    def refuse(*arguments, **options):
        raise AssertionError("it looked further than the place")

    monkeypatch.setattr(mitbih, "verify", refuse)
    monkeypatch.setattr(mitbih, "download", refuse)
    assert is_at_hand("mitbih", tmp_path)
    assert is_at_hand("kaggle", tmp_path)


def test_a_folder_that_is_not_there_is_not_made_good_by_the_cache(toy_root, tmp_path):
    """``load_beats`` refuses this folder, cut beats or not."""
    load_beats("mitbih", toy_root)
    assert not is_at_hand("mitbih", tmp_path / "nowhere")


def test_records_that_were_downloaded_and_not_cut_are_at_hand(toy_root, tmp_path):
    """The cut beats were deleted, or cutting was broken off: they can be cut again without a download."""
    shutil.copytree(toy_root, tmp_path / "cache" / "mitdb-1.0.0")
    assert len(load_beats("mitbih")) == 7
    (tmp_path / "cache" / mitbih.CUT_BEATS_FILE).unlink()
    assert is_at_hand("mitbih")
