"""What the app does when the machine, a file or a visitor is not as it should be; and what it allows strangers."""

import shutil
import time

import pytest
from apptools import assert_healthy, open_page, words

from nsr_core.attacks import RandomNoise
from nsr_core.files import process_mark, runs_dir
from nsr_core.recordings.sample import sample_recording
from ui import loaders, serving
from ui.beat import answers
from ui.plain import in_words, quoted
from ui.recordings import held

pytestmark = pytest.mark.slow


@pytest.fixture
def public(monkeypatch):
    monkeypatch.setenv("NSR_PUBLIC", "1")


@pytest.fixture
def own():
    """A copy of a shipped checkpoint among the reader's own, to be damaged."""
    return runs_dir() / shutil.copytree(loaders.SHIPPED / "mlp-ce", runs_dir() / "mine").name


@pytest.mark.parametrize("text", ["attack,eps\npgd,0.1\n", "\0\1\2", "", '"', "a,b\n1\n1,2,3\n"])
def test_one_damaged_summary_leaves_the_other_curves(text, own):
    (own / "robustness.csv").write_text(text)
    app = open_page("evaluation")
    assert_healthy(app)
    assert "is left out:" in app.warning[0].value
    assert "Evaluate the network again" in app.warning[0].value
    assert any("low" in frame.value for frame in app.dataframe)


@pytest.mark.parametrize("file", ["model.safetensors", "card.json"])
def test_one_damaged_network_leaves_the_others_in_the_beat_lab(file, own):
    (own / file).write_bytes(b"damaged")
    app = open_page("beat", models=["runs/mine", "mlp-mse"])
    assert not app.exception
    assert any("train the checkpoint again" in plain_words(error) for error in app.error)
    assert f"**{loaders.title('mlp-mse')}**" in words(app)


def plain_words(box) -> str:
    return box.value.replace("\\", "")


@pytest.mark.parametrize("folder", ["~nosuchuser/x", "x" * 5_000, "/dev/null"])
def test_a_folder_that_cannot_be_is_refused_in_words(folder):
    app = open_page("data", source="mitbih")
    app.text_input(key="mitbih_folder").set_value(folder).run()
    app.button(key="mitbih_use").click().run()
    assert not app.exception
    assert "is not a folder" in app.error[0].value
    assert len(app.error[0].value) < 1_000


def test_what_the_system_refuses_is_one_line(monkeypatch):
    def refuse(*arguments):
        raise OSError(28, "No space left on device", "/secret/folder/file")

    monkeypatch.setattr(loaders, "checkpoint_names", refuse)
    app = open_page("evaluation")
    assert not app.exception
    assert "No space left on device" in app.error[0].value
    assert "secret" not in app.error[0].value


@pytest.mark.parametrize("name", ["training", "evaluation", "data"])
def test_strangers_train_nothing_and_name_no_folder(name, public):
    app = open_page(name, source="mitbih")
    assert_healthy(app)
    assert not app.text_input
    assert not [button for button in app.button if button.label in ("Start", "Cancel", "Delete", "Resume")]
    assert not [button for button in app.button if "Download" in button.label]
    assert "open to the public" in words(app)


def test_a_strangers_attack_ends_after_a_while(public, monkeypatch):
    monkeypatch.setattr(serving, "PUBLIC_SECONDS", 0.0)
    app = open_page("beat", attack="noise", noise_draws="9999", models=["mlp-mse"], eps="0.001", seed="17")
    assert not app.exception
    assert "at most 0 s" in plain_words(app.error[0])


def test_strangers_read_no_folders_of_the_server(public):
    result = in_words(
        "/home/me/runs/x/card.json cannot be read (see ~/other/place.txt). Give 100 Hz, mV/s, http://a.b/c."
    )
    assert "home" not in result
    assert "other" not in result
    assert "card" in result
    assert "mV" in result


def test_names_out_of_an_address_stay_code():
    assert quoted("a`![p](http://x)`") == "`a'![p](http://x)'`"
    assert in_words("![p](http://x)") == r"\!\[p\]\(http\:\/\/x\)"


def test_of_words_without_end_only_the_ends_are_shown():
    assert len(quoted("a" * 5_000)) < 100
    assert in_words(f"no beat {'a' * 5_000} here") == f"no beat {'a' * 120}…{'a' * 60} here"


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.0.4", False),
        ("my.host", False),
        ("", False),
    ],
)
def test_who_reaches_an_address(address, inside):
    assert serving.is_loopback(address) == inside


def test_the_app_listens_on_this_machine_only_and_says_so_otherwise(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    left = tmp_path / f"nsr-recording-{process_mark().split('.')[0]}.99999999-abc"
    left.mkdir()
    config = (loaders.SHIPPED.parent / ".streamlit" / "config.toml").read_text()
    assert 'address = "localhost"' in config
    for address, said in (("localhost", False), ("0.0.0.0", True), (None, True)):
        serving.start_up.clear()
        monkeypatch.setattr("streamlit.get_option", lambda name, address=address: address)
        serving.start_up()
        assert ("listens beyond this machine" in capsys.readouterr().err) == said
    assert not left.exists()


def test_a_closed_page_takes_its_recording_along_without_another_visitor(monkeypatch):
    forgotten = []
    monkeypatch.setattr(held, "_this_visit", lambda uploads: (lambda: False, lambda: forgotten.append(uploads)))
    ticket = held.keep(sample_recording(), ("file-1",))
    held.forget_unused(time.monotonic() + 60 * held.CLOSED_MINUTES - 5)
    assert held.find(ticket) is not None
    held.forget_unused(time.monotonic() + 60 * held.CLOSED_MINUTES + 5)
    assert held.find(ticket) is None
    assert forgotten == [("file-1",)]


def test_a_quick_attack_with_slow_settings_can_be_stopped(monkeypatch):
    """Streamlit ends a script that nobody waits for where it draws: so often must an attack draw that takes long."""
    drawn = []
    monkeypatch.setattr(answers._Waiting, "_open", lambda self: setattr(self, "_bar", self._bar or Bar(drawn)))
    monkeypatch.setattr(answers, "QUIET_SECONDS", 0.0)
    monkeypatch.setattr(answers, "TELL_EVERY_SECONDS", 0.0)
    app = open_page("beat", attack="noise", noise_draws="300", models=["mlp-mse"], eps="0.001", seed="18")
    assert not app.exception
    assert len(drawn) > 300 + RandomNoise().draws  # the attack's own draws, and those of the sweep


class Bar:
    def __init__(self, drawn: list) -> None:
        self._drawn = drawn

    def progress(self, share: float, text: str) -> None:
        self._drawn.append(share)
