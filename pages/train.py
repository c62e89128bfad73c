"""Train: choose network, method and data, start, watch; the run lives in a process of its own."""

from ui.heading import heading

heading(
    "Train",
    "Train a network of your own and watch it learn. The run goes on when you close this page or the browser, and its "
    "network appears on the other pages when it is done.",
)

from typing import Any

import numpy as np
import streamlit as st

from nsr_core import jobs
from nsr_core.data import SOURCES, usual_split
from nsr_core.data.frequencies import frequencies_of
from nsr_core.errors import UserError
from nsr_core.jobs import Run
from nsr_core.jobs.kinds import Training
from nsr_core.methods import METHODS
from nsr_core.models import NETWORKS
from nsr_core.progress import duration
from nsr_core.training.batches import steps_of
from nsr_core.training.card import check_history, read_card
from nsr_core.training.config import TrainConfig, paper_config
from nsr_core.training.validate import BEATS_PER_CLASS, VALIDATION_EPS
from ui import address, chart, frame, loaders, run_list, sources
from ui.forms import settings_form
from ui.links import page_link
from ui.pick import pick_one
from ui.plain import in_words
from ui.serving import NOT_HERE, is_public
from ui.theme import ink
from ui.training import compared, figures

MINUTE, PAPER, OWN = "One minute", "As in the paper", "My own"
#: Small enough for a class to watch; on the real beats an epoch is 2,265 steps.
MINUTE_OF_REAL_BEATS: dict[str, Any] = {"epochs": 3}
MINUTE_SETTINGS: dict[str, dict[str, Any]] = {"demo": {"epochs": 80, "batch_size": 16, "learning_rate": 0.003}}
SPLIT_TITLES = {"beat": "By beat", "patient": "By patient", "published": "As published"}
RUN_SETTINGS = ("epochs", "batch_size", "learning_rate", "seed")
RECIPE_SETTINGS = ("normalise_kernels", "weight_decay", "bias", "restart_dead_kernels")


def main() -> None:
    with frame.page():
        if is_public():
            st.info(NOT_HERE)
            return
        controls, runs = st.columns([1, 2], gap="large")
        with controls:
            _choose()
        with runs:
            st.markdown("#### Runs")
            if not [run for run in jobs.list_runs() if run.kind == "train"]:
                st.info("Nothing was trained here yet. Choose a method and press Start.")
            run_list.show("train", _detail)


def _choose() -> None:
    preset = st.segmented_control(
        "How",
        [MINUTE, PAPER, OWN],
        default=MINUTE,
        required=True,
        key="how",
        bind=address.bound("how"),
        help="One minute: few beats or few epochs, to watch. As in the paper: 50 epochs on the real beats. "
        "My own: every setting.",
    )
    network = (
        "mlp"
        if preset == MINUTE
        else pick_one("Network", {name: one.title for name, one in NETWORKS.items()}, key="train_network")
    )
    method = pick_one("Method", {name: f"{one.title} ({name})" for name, one in METHODS.items()}, key="train_method")
    _tell(method)
    source = "mitbih" if preset == PAPER else _choose_source()
    split = _choose_split(source) if preset == OWN else usual_split(source)
    base = paper_config(network, method)
    changes: dict[str, Any] = {"source": source, "split": split}
    if preset == MINUTE:
        changes |= MINUTE_SETTINGS.get(source, MINUTE_OF_REAL_BEATS)
    if preset == OWN:
        changes |= _all_settings(base)
    else:
        changes |= settings_form(base, prefix="train_", names=("seed",), bound=True)
    _expect(network, method, paper_config(network, method, **changes))
    if st.button("Start", type="primary", icon=":material/play_arrow:", key="start", width="stretch"):
        _start(network, method, changes)


def _tell(method: str) -> None:
    result = METHODS[method]
    st.caption(result.summary)
    st.latex(result.equation)


def _choose_source() -> str:
    at_hand = [source for source in sources.TITLES if sources.can_show(source)]
    return pick_one(
        "Data",
        {name: sources.TITLES[name] for name in at_hand},
        key="train_data",
        widget=st.radio,
        help="Only what is on this machine. The Beat lab and the Data page fetch the real records.",
    )


def _choose_split(source: str) -> str:
    return pick_one(
        "Split",
        {name: SPLIT_TITLES[name] for name in SOURCES[source].splits},
        key="train_split",
        help="By beat, as in the paper: a patient's beats train and test. By patient: other patients are tested.",
    )


def _all_settings(base: TrainConfig) -> dict[str, Any]:
    values = settings_form(base, prefix="train_", names=RUN_SETTINGS, bound=True)
    method = base.make_method()
    if base.method_settings:
        st.markdown("**The method's own settings**")
        values |= settings_form(method, prefix=f"{base.method}_", bound=True)
    with st.expander("Not in the paper's text"):
        st.caption("What the authors' code does and the text does not say.")
        values |= settings_form(base, prefix=f"{base.network}_{base.method}_", names=RECIPE_SETTINGS, bound=True)
    return values


def _expect(network: str, method: str, config: TrainConfig) -> None:
    """How long it may take, from how long the included network of its kind took for a step."""
    name = f"{network}-{method}"
    if name not in loaders.checkpoint_names():
        return
    card = loaders.checkpoint(name).card
    tested, split, training = frequencies_of(card), card["split"], card["training"]
    steps = _steps(config)
    if tested is None or steps is None:
        return
    # A split by beat has the same share of every class in its parts.
    steps_there = steps_of(tested * split["train"] / split["test"], card["config"]["batch_size"])
    seconds = training["seconds"] / training["epochs"] / steps_there * steps
    st.caption(
        f"About {duration(seconds)} for {steps:,} steps, if each takes as long as those of {loaders.title(name)}, as included, "
        "took where it was trained."
    )


def _steps(config: TrainConfig) -> int | None:
    """Of the whole training; None where its beats are gone, which the run itself says."""
    root = sources.root_of(config.source)
    try:
        beats, rows = loaders.beats_of(config.source, root), loaders.split_of(config.source, root, config.split).train
    except UserError:
        return None
    return config.epochs * steps_of(np.bincount(beats.y[rows]), config.batch_size)


def _start(network: str, method: str, changes: dict[str, Any]) -> None:
    try:
        run = jobs.submit(
            Training(paper_config(network, method, **changes), root=sources.root_of(str(changes["source"])))
        )
    except UserError as error:
        st.error(in_words(error))
        return
    st.toast(f"{run.name} is queued.", icon=":material/play_arrow:")


def _detail(run: Run, newest: bool) -> None:
    """A run's curves, its settings, and where to go on with its network."""
    history, damage = run.history(), st.empty()
    if run.state == jobs.FINISHED:
        try:
            check_history(run.folder, read_card(run.folder))
        except UserError as error:
            damage.warning(in_words(error))
    if history.empty:
        return
    last = history.iloc[-1]
    words = f"Epoch {int(last['epoch'])}: {last['val_acc']:.2f} clean, {last['val_pgd_acc']:.2f} under PGD (20 steps) at 0.1"
    with st.expander(f"{words} (validation beats)", expanded=newest or run.state == jobs.RUNNING):
        figure = figures.history(history, int(run.config["config"]["epochs"]), ink())
        chart.draw(figure, key=f"history_{run.name}", alt=words)
        how = (
            "ACC on the validation beats, without noise and, for the first "
            f"{BEATS_PER_CLASS} of each class, under PGD (20 steps) as published at {VALIDATION_EPS:g}."
        )
        st.caption(
            f"{how} PGD is one attack, and an easy one: the worst case may lie far below. The page Verdict says how "
            "far it does for the included networks."
        )
        ways_on = st.container()  # always there, so that the numbers below do not move when the run ends
        chart.numbers(
            history.round(4),
            name=f"history-{run.name}",
            facts={"run": run.name, "how": how, "config": run.config},
            figures=lambda: {run.title: figure},
        )
        if run.state == jobs.FINISHED:
            with ways_on:
                _ways_on(run)
                if newest:
                    compared.show(run)


def _ways_on(run: Run) -> None:
    name = loaders.OWN + run.name
    with st.container(horizontal=True):
        page_link("beat", "Attack it in the Beat lab", {"models": ["mlp-ce", name]})
        page_link("evaluation", "Evaluate it")


main()
