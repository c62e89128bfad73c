"""Step 8: from attack to proof. The box of all noise, bounds through the network, and a training that keeps them tight."""

import numpy as np
import pandas as pd
import streamlit as st

from nsr_core import lesson as core
from ui import chart, loaders
from ui.lesson import course, figures
from ui.lesson.course import BASELINE, Lesson, Question
from ui.links import page_link

CERTIFIED = "mlp-mtl-ibp0.1"
LEVELS = (0.0, 0.01, 0.02, 0.04, 0.07, 0.1, 0.15)
QUESTION = Question(
    8,
    "A network of the same size was trained to keep its interval bounds tight (mtl-ibp0.1). Up to which ε is this beat's "
    "reading **proved**, whatever the noise?",
    "Proved level of the certified network",
    lambda key, value, disabled: st.select_slider(
        "Proved up to ε about", LEVELS, 0.02 if value is None else value, key=key, disabled=disabled
    ),
    "the nearest level to choose, or one beside it",
)


def show(lesson: Lesson) -> None:
    plain, certified = (lesson.on_beat(core.lead_within, name) for name in (BASELINE, CERTIFIED))
    words, picture = course.columns()
    with words:
        st.markdown(
            "**Draw the box.** Noise of at most ε leaves each sample in $[x_i - \\varepsilon,\\ x_i + \\varepsilon]$: the grey "
            "band around the beat. An attack tries points of the box, one by one. A bound follows the **whole box** through "
            "the network:"
        )
        course.formulas(
            r"z &= W x + b",
            r"z' &\geq l = z - \textstyle\sum |W|\,\varepsilon",
            r"z' &\leq u = z + \textstyle\sum |W|\,\varepsilon",
            r"\mathrm{ReLU}: &\ [\max(l, 0), \max(u, 0)]",
        )
        st.markdown(
            "Layer by layer this gives the lowest lead that the right class can have. While it is above 0, **no** noise flips "
            "the beat. **Interval bounds** let every unit take its worst value at once, which no single noise can do, so they "
            "fall fast. **CROWN** keeps straight lines from the output back to the beat, and falls later. Where the attack's "
            "line crosses 0, the beat is broken; between the two crossings nothing is known."
        )
        said = course.ask(lesson, QUESTION)
        if said is not None:
            truth, close = _truth(certified), _is_close(said, certified.proved)
            course.tell(lesson, QUESTION, f"ε = {said:g}", truth, close, _why(plain, certified))
            page_link("verdict", "Claimed, worst case and proved, of all networks", {"verdict_eps": "0.1"})
    with picture:
        shown = {loaders.title(BASELINE): plain}
        if said is not None:
            shown[loaders.title(CERTIFIED)] = certified
        chart.draw(
            figures.box_around(lesson.beats.x[lesson.row], lesson.length, lesson.eps, lesson.ink),
            key="box",
            alt=f"The beat and the box of all noise up to {lesson.eps:g}, cut off at 0 and 1.",
        )
        for number, (title, result) in enumerate(shown.items()):
            st.markdown(f"**The lowest lead within ε: {title}**")
            chart.draw(
                figures.leads(result, lesson.eps, lesson.ink), key=f"lead_{number}", alt=_in_words(title, result)
            )
        how = (
            f"Beat {lesson.name}, noise on the signal samples only, {core.BOUNDS_POINTS} levels up to {core.BOUNDS_EPS:g}. "
            f"Attack: {course.PGD_WORDS}, the smallest lead on its way. Bounds hold for the network as it computes, in single "
            "precision, rounding included. The band is cut off at 0 and 1, since beats are scaled to that range."
        )
        st.caption(how)
        parts = [
            pd.DataFrame(
                {
                    "network": title,
                    "eps": result.eps,
                    "attacked": result.attacked,
                    "interval": result.interval,
                    "crown": result.crown,
                }
            )
            for title, result in shown.items()
        ]
        names = [BASELINE] if said is None else [BASELINE, CERTIFIED]
        chart.numbers(pd.concat(parts).round(5), name="learn-bounds", facts=lesson.facts(*names, how=how))


def _is_close(said: float, proved: float) -> bool:
    """The nearest of the levels that could be chosen, or a neighbour of it."""
    nearest = int(np.abs(np.array(LEVELS) - proved).argmin())
    return abs(LEVELS.index(said) - nearest) <= 1


def _truth(result: core.LeadWithin) -> str:
    if result.proved <= 0:
        return "nothing is proved of this beat"
    return f"ε = {result.proved:.4g}" + (" and further" if result.proved >= core.BOUNDS_EPS else "")


def _in_words(title: str, result: core.LeadWithin) -> str:
    broken = f"broken at {result.broken:.4g}" if np.isfinite(result.broken) else f"not broken up to {core.BOUNDS_EPS:g}"
    return f"{title}: lead {result.attacked[0]:.2f} without noise, proved up to {result.proved:.4g}, by the attack {broken}."


def _why(plain: core.LeadWithin, certified: core.LeadWithin) -> str:
    gap = (
        f"For *ce* the proof ends at {plain.proved:.4g} and the attack flips it at {plain.broken:.4g}: in between nobody knows. "
        if np.isfinite(plain.broken)
        else f"For *ce* the proof ends at {plain.proved:.4g}. "
    )
    return gap + (
        "A network that was never asked to has loose bounds: each layer widens the intervals. **Certified training** adds the "
        "interval bound itself to the loss (here a convex combination of an attack and the bound, MTL-IBP), so the weights learn "
        "to keep it tight, and pay for it with some accuracy without noise. Proof and attack then nearly meet."
        + (" This beat it misreads even without noise." if certified.attacked[0] < 0 else "")
    )
