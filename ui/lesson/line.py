"""Step 3: the network is a straight line nearby, and how near is nearby."""

import numpy as np
import pandas as pd
import streamlit as st

from nsr_core import lesson as core
from ui import chart
from ui.lesson import course, figures
from ui.lesson.course import BASELINE, Lesson, Question

LEVELS = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1)
QUESTION = Question(
    3,
    "Walk from the beat along FGSM's direction. At which noise level does the first of the 384 units switch?",
    "Noise level of the first switch",
    lambda key, value, disabled: st.select_slider(
        "First switch at ε about", LEVELS, 0.01 if value is None else value, key=key, disabled=disabled
    ),
    "within a factor of 2.5",
)


def show(lesson: Lesson) -> None:
    result = lesson.on_beat(core.straight_line)
    here = lesson.on_beat(core.ratios, BASELINE, lesson.eps)
    words, picture = course.columns()
    with words:
        st.markdown(
            "A ReLU unit is either on (it passes its input) or off (it gives 0). As long as none switches, the whole "
            "network is one matrix, so the right class's logit is a straight line in the beat (eq. 1-2). For this beat:"
        )
        course.formulas(
            r"z_y &= w_y \cdot x + b_y && (2)",
            rf"&= {here.z - here.b:.2f} {'+' if here.b >= 0 else '-'} {abs(here.b):.2f} = {here.z:.2f}",
        )
        st.markdown(
            "$w_y$ has 187 entries, the logit's slope by each sample. With noise *e*, and if $w_y$ and $b_y$ stay what they "
            "are, eq. 6 becomes"
        )
        st.latex(r"z_{y,e} \approx z_y + w_y \cdot e \qquad (7)")
        said = course.ask(lesson, QUESTION)
        if said is not None:
            truth = (
                f"ε = {result.first_switch:.2g}"
                if np.isfinite(result.first_switch)
                else f"not up to ε = {core.LINE_EPS:g}"
            )
            close = bool(result.first_switch / 2.5 <= said <= result.first_switch * 2.5)
            course.tell(lesson, QUESTION, f"ε = {said:g}", truth, close, _why(result, lesson.eps))
    with picture:
        st.markdown("**The right class's logit along FGSM's direction**")
        chart.draw(
            figures.straight_line(result, lesson.eps, lesson.ink, said is not None),
            key="line",
            alt=f"The logit falls from {result.z[0]:.2f} to {result.z[-1]:.2f}"
            + (f"; the straight line to {result.line[-1]:.2f}; {result.switched[-1]} units switch." if said else "."),
        )
        how = (
            f"MLP ce, beat {lesson.name}, straight from the beat to FGSM's point at ε = {core.LINE_EPS:g}, signal samples only. "
            f"Dotted: the lesson's ε = {lesson.eps:g}."
        )
        st.caption(how)
        if said is not None:
            columns = {"eps": result.eps, "z_y": result.z, "line": result.line, "units switched": result.switched}
            table = pd.DataFrame(columns).round(4)
            chart.numbers(table, name="learn-line", facts=lesson.facts(how=how, first_switch=result.first_switch))


def _why(result: core.StraightLine, eps: float) -> str:
    at = int(np.abs(result.eps - eps).argmin())
    miss = abs(result.z[at] - result.line[at]) / max(abs(result.z[0] - result.z[at]), 1e-9)
    return (
        f"Up to there eq. 7 is exact; beyond, it is an approximation. At ε = {result.eps[at]:.3f}, {result.switched[at]} of "
        f"{result.units} units have switched: the line says $z_y$ = {result.line[at]:.2f}, the network {result.z[at]:.2f}, which is "
        f"{miss:.0%} of the way off. A few switched units bend the line a little; many bend it away. Whatever is "
        "concluded from the line holds only as far as the line does. Keep this for step 7."
    )
