"""What is promised of extensions: one file and one line, and everything that lists such things has it.

Each is written here, outside the packages, and registered by its line; whatever lists its kind is then asked for it.
"""

import dataclasses
import json
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest
from torch import Tensor, nn
from torch.nn import functional

from nsr_core.attacks import ATTACKS, Attack, AttackResult
from nsr_core.certificates import certify
from nsr_core.errors import UserError
from nsr_core.evaluation.assignment import plan_of
from nsr_core.evaluation.evaluate import evaluate
from nsr_core.files import runs_dir
from nsr_core.methods import METHODS, Method
from nsr_core.models import NETWORKS, Network
from nsr_core.recordings.formats import FORMATS, accepted, endings
from nsr_core.recordings.formats.contents import Contents
from nsr_core.recordings.formats.format import Format
from nsr_core.recordings.recording import Channel
from nsr_core.recordings.sample import sample_recording
from nsr_core.reproduction.bench import Bench
from nsr_core.reproduction.costs import Costs
from nsr_core.reproduction.plan import Request, make_plan
from nsr_core.settings import setting
from nsr_core.training.checkpoint import load_checkpoint
from nsr_core.training.config import paper_config
from nsr_core.training.loop import train
from nsr_core.verdict.masking import check_masking
from tests.pages.apptools import assert_healthy, open_page, words
from ui import loaders
from ui.navigation import PAGES, Page

pytestmark = pytest.mark.slow

APP = Path(__file__).resolve().parents[1] / "app.py"

# The files


class Tiny(Network):
    """187-8-5 with a smooth unit between."""

    name = "tiny"
    title = "Tiny network"

    def __init__(self, bias: bool = True) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(187, 8, bias=bias), nn.Linear(8, 5, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.tanh(self.first(x)))


@dataclasses.dataclass(frozen=True)
class Smoothed(Method):
    """Cross-entropy on smoothed labels."""

    name: ClassVar[str] = "smoothed"
    title: ClassVar[str] = "Smoothed labels"
    summary: ClassVar[str] = "Asks for no certainty."
    equation: ClassVar[str] = r"L_{CE}(x, (1 - s) y + s / 5)"

    smoothing: float = setting(0.1, "Share of the label that goes to all classes.", 0.0, 0.9)

    def loss(self, network: nn.Module, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        return functional.cross_entropy(network(x), y, label_smoothing=self.smoothing)


@dataclasses.dataclass(frozen=True)
class Flatten(Attack):
    """Moves every sample towards the middle, as far as the budget lets it."""

    name: ClassVar[str] = "flatten"
    title: ClassVar[str] = "Flatten"
    summary: ClassVar[str] = "Makes the beat flat."

    level: float = setting(0.5, "Towards which value.", 0.0, 1.0)

    @torch.no_grad()
    def run(self, model, x, y, box, randomness, record, progress) -> AttackResult:
        x_adv = box.clip(torch.full_like(x, self.level))
        wrong = model(x_adv).argmax(1) != y
        return AttackResult(x_adv, torch.where(wrong, 0, -1), torch.ones_like(y))


PROBE = Format(
    key="probe",
    title="a probe file",
    endings=(".probe",),
    recognise=lambda name, content: content.startswith(b"\0PROBE"),
    read=lambda given: Contents([Channel("MLII", "mV", 360.0, np.frombuffer(given.content[6:], np.float64).copy())]),
    reads="one lead",
)


PAGE = """
from ui.heading import heading

heading("Probe", "A page of its own.")

from ui import frame

with frame.page():
    pass
"""

# Their lines


@pytest.fixture
def network(monkeypatch):
    monkeypatch.setitem(NETWORKS, "tiny", Tiny)
    return "tiny"


@pytest.fixture
def method(monkeypatch):
    monkeypatch.setitem(METHODS, "smoothed", Smoothed())
    return "smoothed"


@pytest.fixture
def attack(monkeypatch):
    monkeypatch.setitem(ATTACKS, "flatten", Flatten())
    return "flatten"


@pytest.fixture
def recording_format(monkeypatch):
    monkeypatch.setitem(FORMATS, "probe", PROBE)
    return "probe"


@pytest.fixture
def page(monkeypatch, tmp_path):
    (tmp_path / "probe.py").write_text(PAGE)
    monkeypatch.setitem(PAGES, "probe", Page("probe", "Probe", ":material/search:", "A new page.", "", tmp_path))
    return "probe"


@pytest.fixture
def own(network, method, demo_beats, demo_split):
    """A checkpoint of the new network by the new method, among the reader's own."""
    config = paper_config(network, method, source="demo", epochs=8, batch_size=16, learning_rate=0.01)
    return train(config, demo_beats, demo_split, runs_dir() / "first-try")


def listed(cli) -> dict:
    status, out, _ = cli("list", "--json")
    assert status == 0
    return json.loads(out)


# Networks and methods


def test_a_network_and_a_method_are_trained_and_known_by_their_card(own, network, method):
    """Its folder's name says neither."""
    checkpoint = load_checkpoint(own)
    assert isinstance(checkpoint.network, Tiny)
    assert checkpoint.config.method_settings == {"smoothing": 0.1}
    assert checkpoint.config.protocol == "custom"
    name = f"{loaders.OWN}{own.name}"
    assert name in loaders.checkpoint_names()
    assert loaders.title(name) == "Smoothed labels (smoothed), Tiny network, yours: first-try"


def test_a_network_is_evaluated_and_checked_for_masking(own, attack, demo_beats, demo_split):
    summary = evaluate(own, demo_beats, demo_split, plan_of([attack, "fgsm"], per_class=4, eps_grid=(0.05,)))
    assert set(summary["attack"]) == {attack, "fgsm"}
    result = check_masking(load_checkpoint(own), demo_beats, demo_split, per_class=1, eps=(0.05,))
    assert result.light in ("green", "amber", "red")


def test_a_network_without_certificate_is_refused_in_words(own, demo_beats, demo_split):
    with pytest.raises(UserError, match="no certificate"):
        certify(own, demo_beats, demo_split, per_class=1)


def test_a_network_is_in_the_plan_of_the_reproduction_with_its_own_cost(network, tmp_path):
    bench = Bench(str(tmp_path), source="demo")
    plan = make_plan(Request(only=(f"{network}-ce",)), bench, tmp_path)
    assert [model.config.network for model in plan.models] == [network]
    assert all(task.seconds(Costs([])) > 0 for task in plan.tasks)
    assert Costs([]).per_epoch(network, "ce") == pytest.approx(Network.seconds_per_epoch[False])


def test_the_command_line_lists_them(network, method, attack, cli):
    outcome = listed(cli)
    assert network in outcome["networks"]
    assert outcome["methods"][method]["title"] == Smoothed.title
    assert outcome["attacks"][attack]["settings"]["level"]["value"] == 0.5
    assert {network, method} <= set(
        outcome["training"]["network"]["choices"] + outcome["training"]["method"]["choices"]
    )


def test_train_has_them_with_their_forms(network, method):
    app = open_page("training", how="My own", train_network=network, train_method=method)
    assert_healthy(app)
    assert Smoothed.summary in words(app)
    assert f"{method}_smoothing" in {widget.key for widget in app.number_input}


def test_the_beat_lab_attacks_them_with_the_new_attack(own, attack):
    name = f"{loaders.OWN}{own.name}"
    app = open_page("beat", models=[name, "mlp-ce"], attack=attack, eps="0.1")
    assert_healthy(app)
    assert Flatten.summary in words(app)
    for view in ("What is known", "Noise-to-signal"):
        assert_healthy(open_page("beat", models=name, attack=attack, view=view))


def test_curves_draws_them(own, attack, demo_beats, demo_split):
    evaluate(own, demo_beats, demo_split, plan_of([attack], per_class=4, eps_grid=(0.05, 0.1)))
    name = f"{loaders.OWN}{own.name}"
    app = open_page("evaluation", checkpoints=[name, "mlp-ce"], under=[attack])
    assert_healthy(app)
    assert Flatten.title in app.selectbox(key="evaluate_attack").options
    drawn = next(frame.value for frame in app.dataframe if "low" in frame.value)
    assert set(drawn["attack"]) == {Flatten.title}


# Recordings


def test_a_recording_format_is_read_and_offered(recording_format, own, tmp_path, cli):
    signal = sample_recording().channels[0].signal[: 30 * 360].astype(np.float64)
    path = tmp_path / "mine.probe"
    path.write_bytes(b"\0PROBE" + signal.tobytes())
    status, out, err = cli("read", path, "--models", own, "--json")
    assert status == 0, err
    assert json.loads(out)["recording"].startswith("mine")
    assert "probe" in endings()
    assert PROBE.title in accepted()


# Pages


def test_a_page_is_in_the_bar_and_on_the_start_page(page):
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    assert not app.exception
    assert "A new page." in {caption.value for caption in app.caption}
    app.switch_page(str(PAGES[page].file)).run()
    assert_healthy(app)
