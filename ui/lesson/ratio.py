"""Step 4: noise to signal, eq. 7 to 10 with the beat's own numbers."""

import pandas as pd
import streamlit as st

from nsr_core import lesson as core
from ui import chart
from ui.lesson import course, figures
from ui.lesson.course import BASELINE, Lesson, Question

QUESTION = Question(
    4,
    "At which ε is $R_2 = 1$, that is, could noise cancel the whole signal? Both numbers it takes are above.",
    "ε at which R₂ = 1",
    lambda key, value, disabled: st.number_input(
        "ε", 0.0, 10.0, 0.1 if value is None else value, 0.001, format="%.4f", key=key, disabled=disabled
    ),
    "within 5 %",
)


def show(lesson: Lesson) -> None:
    result = lesson.on_beat(core.ratios, BASELINE, lesson.eps)
    words, picture = course.columns()
    with words:
        st.markdown(
            "The signal is $z_y$, the noise is what *e* adds to it. Their ratio is small where noise cannot matter. "
            "Hölder's inequality bounds it for any noise within ε: at worst every sample moves by ε with the sign of its slope."
        )
        course.formulas(
            r"\mathrm{NSR}_y &= \frac{|w_y \cdot e|}{|z_y|} && (8)",
            r"&\leq \frac{\|w_y\|_1\,\varepsilon}{|z_y|} = R_2 && (9)",
        )
        st.markdown("This beat's numbers:")
        course.formulas(rf"\|w_y\|_1 &= \sum_i |w_{{y,i}}| = {result.w_l1:.2f}", rf"|z_y| &= {abs(result.z):.3f}")
        said = course.ask(lesson, QUESTION)
        if said is not None:
            close = abs(said - result.eps_at_one) <= 0.05 * result.eps_at_one
            truth = f"ε = {result.eps_at_one:.4f}"
            course.tell(lesson, QUESTION, f"ε = {said:.4f}", truth, close, _why(result, lesson))
    with picture:
        if said is None:
            st.markdown("**How strongly each sample moves the logit** (all bars together: $\\|w_y\\|_1$)")
            chart.draw(
                figures.strengths(result.w, lesson.ink, lesson.length),
                key="strengths",
                alt=f"Absolute slope of the right logit by each of 187 samples; they sum to {result.w_l1:.2f}.",
            )
            return
        st.markdown(f"**From the bound to what attacks reach, at ε = {lesson.eps:g}**")
        chart.draw(
            figures.ratios(result, lesson.ink),
            key="ratios",
            alt=f"Noise-to-signal ratio: bound {result.bound:.2f}, most within the budget {result.allowed:.2f}, FGSM on the line "
            f"{result.fgsm_line:.2f}, FGSM really {result.fgsm_real:.2f}, PGD really {result.pgd_real:.2f}.",
        )
        _filled_in(result)
        how = (
            f"MLP ce, beat {lesson.name}, ε = {lesson.eps:g}. FGSM in one step, {course.PGD_WORDS}, not stopped at the flip; "
            "noise on the signal samples only. ‖w_y‖₁ counts all 187 samples, as published."
        )
        st.caption(how)
        names = ("w_l1", "z", "b", "w_noise", "z_real", "bound", "allowed", "fgsm_line", "fgsm_real", "pgd_real")
        table = pd.DataFrame({"quantity": names, "value": [round(getattr(result, name), 5) for name in names]})
        chart.numbers(table, name="learn-ratio", facts=lesson.facts(how=how, eps_at_one=result.eps_at_one))


def _filled_in(result: core.Ratios) -> None:
    sign = "+" if result.w_noise >= 0 else "-"
    st.markdown("**With FGSM's noise filled in**")
    course.formulas(
        rf"(7)\;\; & z_{{y,e}} \approx {result.z:.2f} {sign} {abs(result.w_noise):.2f} = {result.z + result.w_noise:.2f}",
        rf"& \text{{really }} z_{{y,e}} = {result.z_real:.2f}",
        rf"(8)\;\; & \mathrm{{NSR}}_y = {abs(result.w_noise):.2f} \,/\, {abs(result.z):.2f} = {result.fgsm_line:.2f}",
        rf"(9)\;\; & R_2 = {result.w_l1:.1f} \cdot {result.eps:g} \,/\, {abs(result.z):.2f} = {result.bound:.2f}",
        rf"(10)\;\; & \log(1 + R_2) = \log(1 + {result.bound / result.eps:.1f}) = {result.penalty:.2f}",
    )
    st.caption("Eq. 10 adds the last line, with ε_max = 1, to the loss that loss2 trains with.")


def _why(result: core.Ratios, lesson: Lesson) -> str:
    flip = lesson.attacked()
    side = "below" if lesson.eps < result.eps_at_one else "above"
    earlier = (
        f"At the lesson's ε = {lesson.eps:g}, {side} it, PGD {'flips' if flip.flipped else 'does not flip'} the reading. A flip "
        "needs less than $R_2 = 1$ where another class's logit rises to meet $z_y$, and more where the others fall with it: "
        "the ratio looks at one logit only."
    )
    return (
        f"$|z_y| / \\|w_y\\|_1$ = {abs(result.z):.3f} / {result.w_l1:.2f}. {earlier}\n\n"
        "The first three bars belong to the line, and each is below the one before: noise on the padding or beyond [0, 1] is "
        "not allowed, and FGSM climbs the loss of all classes, not this one logit. The last two are what really comes of "
        "it, and the bound does not bind them once units have switched."
    )
