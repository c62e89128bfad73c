"""A finished run beside where it began, on one beat, and beside the included network of its kind, on many."""

import copy
from dataclasses import replace

import numpy as np
import pandas as pd
import streamlit as st
import torch

from nsr_core import jobs
from nsr_core.attacks import ATTACKS
from nsr_core.beat.attack import BeatAttack, attack_beat
from nsr_core.data import CLASSES, Beats
from nsr_core.data.splits import first_of_each_class
from nsr_core.evaluation.robustness import predict
from nsr_core.training.checkpoint import Checkpoint
from nsr_core.training.loop import fresh_network
from nsr_core.training.validate import VALIDATION_ATTACK, VALIDATION_EPS, Validator
from ui import chart, ecg, loaders, sources
from ui.beat import words
from ui.links import page_link
from ui.memo import memo
from ui.theme import ink

#: The class of the beat, and the noise level that it is shown at: a network of a minute withstands little.
LABEL, EPS = "V", 0.05
#: Test beats of each class for the comparison.
PER_CLASS = 50


def show(run: jobs.Run) -> None:
    """The pictures, the table, and the way to look closer."""
    name = loaders.OWN + run.name
    trained = loaders.checkpoint(name)
    source = trained.config.source
    if not sources.can_show(source):
        return  # its beats are not on this machine any more
    root = sources.root_of(source)
    beats = loaders.beats_of(source, root)
    test = loaders.split_of(source, root, trained.config.split).test
    _before_and_after(run, trained, beats, test)
    included = f"{trained.config.network}-{trained.config.method}"
    if included in loaders.checkpoint_names():
        _beside(name, included, beats, test)


def _before_and_after(run: jobs.Run, trained: Checkpoint, beats: Beats, test: np.ndarray) -> None:
    row = _beat(trained, beats, test)
    untrained = replace(trained, network=fresh_network(trained.config).eval(), digest="untrained")
    results = {
        "Before training": _attacked(untrained, beats, row),
        "After training": _attacked(trained, beats, row),
    }
    y_range = ecg.common_range(list(results.values()))
    for column, (title, result) in zip(st.columns(2, gap="medium"), results.items(), strict=True):
        with column:
            st.markdown(f"**{title}** {words.verdict(result)}")
            chart.draw(
                ecg.attacked_beat(result, ink(), y_range=y_range, height=320),
                key=f"{title.split()[0].lower()}_{run.name}",
                alt=f"{title}: {words.readings(result)}",
            )
            st.markdown(words.readings(result))
    st.caption(f"One test beat, noise up to ε {EPS:g}. {words.protocol(results['After training'])}")


def _beat(trained: Checkpoint, beats: Beats, test: np.ndarray) -> int:
    """The first test beat of a class that the trained network reads correctly; the first of all where there is none."""
    label = CLASSES.index(LABEL)
    rows = test[beats.y[test] == label][:PER_CLASS]
    right = rows[predict(trained.network, beats.x[rows]) == label]
    return int([*right, *rows, *test][0])


def _attacked(checkpoint: Checkpoint, beats: Beats, row: int) -> BeatAttack:
    begins = checkpoint.config.network, checkpoint.config.bias, checkpoint.config.seed
    key = ("before and after", checkpoint.folder.name, begins, checkpoint.digest, beats.source, beats.name(row))
    found: BeatAttack = memo().get(
        key, lambda: attack_beat(checkpoint, ATTACKS["pgd"], beats, row, EPS, signal_only=True)
    )
    return found


def _beside(name: str, included: str, beats: Beats, test: np.ndarray) -> None:
    rows = first_of_each_class(beats, test, PER_CLASS)
    scores = {each: _score(each, beats, rows) for each in (name, included)}
    st.markdown("**Beside the pretrained one**, on the same beats")
    table = pd.DataFrame(
        [
            [loaders.title(each), *(f"{score[part]:.2f}" for part in ("val_acc", "val_pgd_acc"))]
            for each, score in scores.items()
        ],
        columns=["network", "accuracy without noise", f"under PGD at ε {VALIDATION_EPS:g}"],
    )
    st.dataframe(table, hide_index=True, key=f"beside_{name}")
    own, other = (loaders.checkpoint(each).config for each in (name, included))
    learned = "" if own.source == other.source else f" The pretrained one learned from {sources.TITLES[other.source]}."
    st.caption(
        f"{len(rows)} test beats ({sources.TITLES[own.source]}, up to {PER_CLASS} of each class, split {own.split}), every class "
        f"counting the same; PGD ({VALIDATION_ATTACK.steps} steps) as published on all samples, attack seed 0. What withstands PGD "
        f"may fall to the next attack.{learned}"
    )
    page_link("beat", "Both in the Beat lab", {"models": [included, name]})


def _score(name: str, beats: Beats, rows: np.ndarray) -> dict[str, float]:
    checkpoint = loaders.checkpoint(name)
    key = ("beside", name, checkpoint.digest, beats.source, rows.tobytes())
    # A copy: scoring leaves a network in training mode, and other pages read this one.
    found: dict[str, float] = memo().get(
        key, lambda: Validator(beats, rows, torch.device("cpu")).score(copy.deepcopy(checkpoint.network))
    )
    return found
