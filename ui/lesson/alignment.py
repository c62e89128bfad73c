"""Step 5: loss1's picture (Figure 3), and what loss2 does to the ratio."""

import pandas as pd
import streamlit as st

from nsr_core import lesson as core
from nsr_core.beat.alignment import Alignment, align
from nsr_core.methods import METHODS
from ui import chart, loaders, results
from ui.lesson import course, figures
from ui.lesson.course import Lesson, Question

COMPARED = ("ce", "loss1")
PER_CLASS = 20
#: Where two methods are set beside each other.
CONTRAST_EPS = 0.05
QUESTION = Question(
    5,
    "In the network trained with cross-entropy (*ce*), which angle lies between $w_y$ and the beat?",
    "Angle between w_y and the beat, ce",
    lambda key, value, disabled: st.slider(
        "Angle in degrees", 0, 180, 45 if value is None else value, key=key, disabled=disabled
    ),
    "within 10°",
)


def show(lesson: Lesson) -> None:
    result = {method: align(course.checkpoint(f"mlp-{method}"), lesson.beats, lesson.row) for method in COMPARED}
    ce, loss1 = result["ce"], result["loss1"]
    words, picture = course.columns()
    with words:
        st.markdown(
            "Noise does most harm when it points along $w_y$. The authors' **loss1** does not try to make that noise weak, "
            "it tries to make it *visible*: training turns $w_y$ towards the beat itself, with the penalty"
        )
        st.latex(r"R_1 = \left\| w_y - \frac{x}{x \cdot x} \right\|_2^2 \qquad (4, \gamma = 1)")
        st.markdown("so that noise along $w_y$ has the shape of a heartbeat, and must be as large as one to matter.")
        said = course.ask(lesson, QUESTION)
        if said is not None:
            close = abs(said - ce.angle_deg) <= 10
            course.tell(lesson, QUESTION, f"{said}°", f"{ce.angle_deg:.0f}°", close, _why(ce, loss1))
    with picture:
        if said is not None:
            st.markdown("**Figure 3 with this beat's numbers**: true angles, equal lengths")
            chart.draw(
                figures.directions(result, lesson.ink),
                key="directions",
                alt=f"Angle between the beat and w_y: {ce.angle_deg:.0f} degrees for ce, {loss1.angle_deg:.0f} for loss1.",
            )
        st.markdown("**The beat and the slopes over time**")
        chart.draw(
            figures.over_time(lesson.beats.x[lesson.row], result, lesson.length, lesson.ink),
            key="over_time",
            alt="The beat, and below it the slope of the right logit by each sample, for ce and for loss1.",
        )
        st.caption(f"MLP ce and MLP loss1, beat {lesson.name}, no attack. Angles are taken over all 187 samples.")
    if said is not None:
        _all_methods(lesson, result)


def _why(ce: Alignment, loss1: Alignment) -> str:
    turned = (
        f"loss1 turns it to **{loss1.angle_deg:.0f}°** and shortens $w_y$ from {ce.w_norm:.1f} to {loss1.w_norm:.2f}: the trace "
        "of its $w_y$ begins to follow the beat."
        if loss1.angle_deg < ce.angle_deg
        else f"On this beat loss1's angle is {loss1.angle_deg:.0f}°, no smaller."
    )
    return (
        "Two unrelated directions in 187 dimensions are nearly at right angles. So *ce* listens to something that hardly "
        f"looks like the beat, and noise along it looks like no beat either. {turned} Its network has no bias, so "
        "$z_y = \\|w_y\\|\\,\\|x\\|\\cos$: a smaller angle buys signal without a longer $w_y$."
    )


def _all_methods(lesson: Lesson, result: dict[str, Alignment]) -> None:
    rows = course.test_rows(lesson, PER_CLASS)
    names = [method for method in METHODS if f"mlp-{method}" in loaders.checkpoint_names()]
    values = {method: lesson.on_rows(core.median_ratio, f"mlp-{method}", rows) for method in names}
    st.divider()
    words, picture = course.columns()
    with words:
        ratio = values["ce"] / values["loss2"]
        contrast = _contrast(values)
        st.markdown(
            "**loss2** goes for the ratio itself: it adds $\\beta\\log(1 + R_2)$ to the loss (eq. 10), so training makes "
            f"$\\|w_y\\|_1$ small beside $|z_y|$. On the median of these {len(rows)} beats its $R_2$ is "
            f"**{ratio:,.0f} times** smaller than that of *ce*.\n\n"
            f"Read the figure with care. {contrast}The ratio describes the line at the beat, and the line may end before the "
            "noise does."
        )
    with picture:
        chart.draw(
            figures.medians(values, lesson.ink),
            key="medians",
            alt="Median of R2 over epsilon by method: "
            + ", ".join(f"{method} {value:.3g}" for method, value in values.items())
            + ".",
        )
        how = f"MLPs, {course.which_rows(lesson, rows)}, those that each network reads correctly; no attack."
        st.caption(how)
        table = pd.DataFrame({"method": names, "median R2 / eps": [round(value, 4) for value in values.values()]})
        angles = {method: alignment.angle_deg for method, alignment in result.items()}
        facts = lesson.facts(*(f"mlp-{method}" for method in names), how=how, angles_deg=angles)
        chart.numbers(table, name="learn-methods", facts=facts)


def _contrast(values: dict[str, float]) -> str:
    """Two methods of which the one with the smaller ratio is the easier to break, where the shipped results say so."""
    left = {}
    for method in ("mse", "jacob"):
        summary = results.summary(f"mlp-{method}") if method in values else None
        rows = None if summary is None else summary[(summary["attack"] == "pgd100") & (summary["eps"] == CONTRAST_EPS)]
        if rows is None or rows.empty:
            return ""
        left[method] = (float(rows["acc_alone"].iloc[0]), int(rows["beats"].iloc[0]))
    (mse, beats), (jacob, _) = left["mse"], left["jacob"]
    if not (values["mse"] < values["jacob"] and mse < jacob):
        return ""
    return (
        f"*mse* has a smaller ratio than *jacob*, and yet PGD (100 steps) at ε = {CONTRAST_EPS:g} leaves it {mse:.0%} accuracy, "
        f"*jacob* {jacob:.0%} (shipped results, protocol paper, {beats:,} real test beats). "
    )
