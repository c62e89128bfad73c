"""Step 6: adversarial training, and what its attack cannot reach."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from nsr_core import lesson as core
from nsr_core.attacks import PGD
from nsr_core.methods import METHODS
from nsr_core.methods.adversarial import Adversarial
from ui import chart, results
from ui.lesson import course, figures
from ui.lesson.course import Lesson, Question

TRAINED = ("adv0.1", "adv0.2", "adv0.3")
PER_CLASS = 20
LEVELS = (0.01, 0.05, 0.1, 0.2, 0.3)
QUESTION = Question(
    6,
    "*adv0.3* was trained on noise of up to ε = 0.3. Of 100 beats, how many does it still read correctly when PGD (100 steps) attacks "
    "at that same ε = 0.3?",
    "Beats of 100 that adv0.3 reads under PGD at ε = 0.3",
    lambda key, value, disabled: st.slider(
        "How many of 100", 0, 100, 50 if value is None else value, key=key, disabled=disabled
    ),
    "within 5 of 100",
    of_beat=False,
)


def show(lesson: Lesson) -> None:
    rows = course.test_rows(lesson, PER_CLASS)
    shown: Sequence[str] = TRAINED[:1]
    training = METHODS["adv0.3"]
    assert isinstance(training, Adversarial)
    words, picture = course.columns()
    with words:
        st.markdown(
            "The direct defence: train on the worst noise that can be found. The weights θ minimise what the noise "
            "maximises:"
        )
        st.latex(
            r"\min_\theta \; \mathbb{E}_{x, y} \Big[ \max_{\|e\|_\infty \leq \varepsilon} L_\theta(x + e, y) \Big]"
        )
        st.markdown(
            "No one can compute the inner maximum, so an attack stands in for it. Here it is PGD with "
            f"{training.steps} steps of {training.step_size:g} from a random start, and half of the loss stays on the "
            "clean beats (eq. 11). *adv0.1*, *adv0.2* and *adv0.3* differ only in ε."
        )
        said = course.ask(lesson, QUESTION)
    if said is not None:
        shown = TRAINED
    with st.spinner(f"Attacking {len(rows)} beats, 100 steps at {len(LEVELS)} noise levels"):
        published = {m: lesson.on_rows(core.accuracies, f"mlp-{m}", rows, PGD(), LEVELS) for m in shown}
        signal = None
        if said is not None:
            signal = {
                m: lesson.on_rows(core.accuracies, f"mlp-{m}", rows, PGD(), LEVELS, signal_only=True) for m in shown
            }
    with words:
        if said is not None and signal is not None:
            left = float(published["adv0.3"][-1])
            truth = f"{left:.0%} (ACC)"
            reach = training.steps * training.step_size
            course.tell(
                lesson,
                QUESTION,
                f"{said} of 100",
                truth,
                abs(said / 100 - left) <= 0.05,
                _why(reach, published, signal),
            )
    with picture:
        st.markdown("**Accuracy under attack**")
        eps = (0.0, *LEVELS)
        chart.draw(
            figures.accuracies(eps, published, signal, lesson.ink),
            key="accuracies",
            alt="Accuracy by noise level. "
            + ". ".join(f"{method}: " + ", ".join(f"{v:.0%}" for v in values) for method, values in published.items()),
        )
        kept = " Dotted: custom, the same attack kept off the padding." if signal else ""
        how = (
            f"MLPs, {course.which_rows(lesson, rows)}, computed now. Lines: PGD (100 steps) as published (protocol paper: Adamax over "
            f"signs at 0.01, seed 0, each level alone), padding attacked too.{kept}"
        )
        st.caption(how)
        if signal is not None:
            facts = lesson.facts(*(f"mlp-{method}" for method in published), how=how)
            chart.numbers(_table(eps, published, signal), name="learn-adversarial", facts=facts)


def _why(reach: float, published: dict[str, np.ndarray], signal: dict[str, np.ndarray]) -> str:
    at = 1 + LEVELS.index(0.1)
    first = (
        f"The attack that it trained against can travel {reach:g} at most from where chance put it, whatever ε is. *adv0.2* "
        "and *adv0.3* were never shown the worst noise of their own budget, only random noise with a small step of "
        "attack on top. The maximum in the formula is only as good as the attack that looks for it."
    )
    if signal["adv0.1"][at] >= published["adv0.1"][at]:
        return first
    return first + (
        "\n\nThe dotted lines are the same attack with *less* freedom: it must leave the padding after the beat alone. Every "
        "noise that it finds is allowed to the published attack too, and yet at ε = 0.1 *adv0.1* falls from "
        f"{published['adv0.1'][at]:.0%} to {signal['adv0.1'][at]:.0%}. So the solid lines are not robustness. What are they?"
    )


def _table(eps: tuple[float, ...], published: dict[str, np.ndarray], signal: dict[str, np.ndarray]) -> pd.DataFrame:
    """Both attacks, and beside them the shipped results on the real test beats where there are any."""
    table = pd.DataFrame({"eps": eps})
    for method in published:
        table[f"{method}, as published"] = published[method].round(3)
        table[f"{method}, signal only"] = signal[method].round(3)
        summary = results.summary(f"mlp-{method}")
        if summary is not None:
            rows = summary[summary["attack"] == "pgd100"].set_index("eps")["acc_alone"]
            table[f"{method}, shipped, all test beats"] = [rows.get(level) for level in eps]
    return table
