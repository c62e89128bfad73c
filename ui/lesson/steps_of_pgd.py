"""Step 2: one big step against many small ones."""

import pandas as pd
import streamlit as st

from nsr_core import lesson as core
from ui import chart
from ui.lesson import course, figures
from ui.lesson.course import BASELINE, Lesson, Question, class_name

OPTIONS = (
    "PGD ends lower than FGSM",
    "they end within a tenth",
    "PGD ends up to twice as high",
    "PGD ends higher still",
)
QUESTION = Question(
    2,
    "PGD takes 20 steps of ε/10 inside the same budget. Where does its loss end, compared with FGSM's?",
    "PGD's final loss against FGSM's",
    lambda key, value, disabled: st.radio(
        "PGD against FGSM",
        OPTIONS,
        None if value is None else OPTIONS.index(value),
        key=key,
        disabled=disabled,
        label_visibility="collapsed",
    ),
    "the right answer",
)


def show(lesson: Lesson) -> None:
    result = lesson.on_beat(core.climbs, BASELINE, lesson.eps)
    words, picture = course.columns()
    with words:
        st.markdown(
            "Which signs? The **loss** $L = -\\log p_y$ is high where the network gives the right class little "
            "probability. Its **gradient** $\\nabla_x L$ says for each sample which way the loss rises.\n\n"
            "**FGSM** trusts the gradient at the beat for one step as long as the budget: "
            "$x + \\varepsilon\\,\\mathrm{sign}\\,\\nabla_x L(x)$.\n\n"
            "**PGD** takes small steps and asks for the gradient again after each:"
        )
        st.latex(r"x^k = \Pi\left(x^{k-1} + \alpha\,\mathrm{sign}\,\nabla_x L(x^{k-1})\right) \quad (12)")
        st.markdown(r"where $\Pi$ puts every sample back into the budget, and here $\alpha = \varepsilon/10$.")
        said = course.ask(lesson, QUESTION)
        if said is not None:
            truth = OPTIONS[_truth(result)]
            course.tell(lesson, QUESTION, said, truth, said == truth, _why(result))
    with picture:
        st.markdown("**The loss on the way**")
        end = f", PGD's at {result.pgd_loss[-1]:.3g}" if said else ""
        chart.draw(
            figures.losses(result, lesson.ink, said is not None),
            key="losses",
            alt=f"Loss along the steps: FGSM's ends at {result.fgsm_loss[-1]:.3g}{end}.",
        )
        how = (
            f"MLP ce, beat {lesson.name}, ε = {lesson.eps:g}, noise on the signal samples only, no random start. FGSM's single "
            "step is drawn in tenths. PGD here goes on after the reading has flipped."
        )
        st.caption(how)
        if said is not None:
            losses = {"PGD": pd.Series(result.pgd_loss), "FGSM": pd.Series(result.fgsm_loss)}
            table = pd.DataFrame(losses).round(4).rename_axis("step").reset_index()
            chart.numbers(table, name="learn-steps", facts=lesson.facts(how=how, steps=core.PGD_STEPS))


def _truth(result: core.Climbs) -> int:
    ratio = float(result.pgd_loss[-1] / max(result.fgsm_loss[-1], 1e-12))
    return 0 if ratio < 1 / 1.1 else 1 if ratio <= 1.1 else 2 if ratio <= 2 else 3


def _why(result: core.Climbs) -> str:
    ends = (
        f"FGSM ends at a loss of {result.fgsm_loss[-1]:.2g} (read as {class_name(result.fgsm_class)}), PGD at "
        f"{result.pgd_loss[-1]:.2g} (read as {class_name(result.pgd_class)}). "
    )
    bend = (
        "Up to the first few steps the curves agree: there the network is nearly a straight line. Then the gradient turns, "
        "and only PGD turns with it. After step 10 its budget is used up on most samples, and it still improves: some "
        "signs were wrong and are changed."
        if result.pgd_loss[-1] > result.fgsm_loss[-1]
        else "On this beat the gradient hardly turns on the way, so asking again gains nothing."
    )
    return ends + bend
