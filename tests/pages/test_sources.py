"""Which beats are shown: the banner says so, offers the others, and tells in words what goes wrong."""

import pytest
from apptools import assert_healthy, open_page, words

from nsr_core.data import mitbih
from nsr_core.errors import UserError
from ui import loaders

pytestmark = pytest.mark.slow


def test_beats_that_are_not_here_are_replaced_and_offered():
    app = open_page("beat", source="mitbih")
    assert_healthy(app)
    assert "cannot be shown yet" in words(app)
    assert "**synthetic**" in words(app)
    assert app.button(key="mitbih_download").label.startswith("Download")


def test_a_failed_download_says_what_to_do(monkeypatch):
    def fail(progress, **kwargs):
        progress(3, 144, "downloading 100.dat")
        raise UserError("100.dat could not be downloaded; 3 of 144 files are there and kept.")

    monkeypatch.setattr(mitbih, "download", fail)
    app = open_page("beat", source="mitbih")
    app.button(key="mitbih_download").click().run()
    assert not app.exception
    assert "3 of 144 files are there and kept" in app.error[0].value


@pytest.mark.parametrize("source", ["mitbih", "kaggle"])
def test_a_folder_that_holds_no_data_is_refused(source, tmp_path):
    app = open_page("beat", source=source)
    app.text_input(key=f"{source}_folder").set_value(str(tmp_path)).run()
    app.button(key=f"{source}_use").click().run()
    assert not app.exception
    assert "missing" in app.error[0].value


@pytest.mark.parametrize(("source", "variable"), [("mitbih", "NSR_MITDB_DIR"), ("kaggle", "NSR_KAGGLE_DIR")])
def test_a_named_folder_that_lacks_files_is_told_and_synthetic_beats_stand_in(source, variable, tmp_path, monkeypatch):
    loaders.stored_beats.clear()  # an earlier test may have shown the real ones
    monkeypatch.setenv(variable, str(tmp_path))
    app = open_page("beat", source=source)
    assert not app.exception
    assert "missing" in app.error[0].value
    assert "**synthetic**" in words(app)


def test_a_folder_with_the_records_is_cut_and_shown(mitdb_root):
    app = open_page("beat", source="mitbih")
    app.text_input(key="mitbih_folder").set_value(str(mitdb_root)).run()
    app.button(key="mitbih_use").click().run()
    assert_healthy(app)
    assert "109,446 real beats" in words(app)


def test_the_published_csv_is_read_and_shown(tmp_path, demo_beats):
    rows = [
        ",".join([*(f"{value:.6f}" for value in x), str(float(y))])
        for x, y in zip(demo_beats.x, demo_beats.y, strict=True)
    ]
    for name, part in (("mitbih_train.csv", rows[:300]), ("mitbih_test.csv", rows[300:400])):
        (tmp_path / name).write_text("\n".join(part) + "\n")
    app = open_page("beat", source="kaggle")
    app.text_input(key="kaggle_folder").set_value(str(tmp_path)).run()
    app.button(key="kaggle_use").click().run()
    assert_healthy(app)
    assert "400 real beats" in words(app)
