"""The curves themselves: a panel for each attack, a line for each checkpoint."""

from dataclasses import asdict
from functools import partial

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from nsr_core.evaluation.summary import reading_title
from nsr_core.paper.published import paper_tables
from nsr_core.verdict.verdict import WHOLE
from ui import chart, loaders, results
from ui.evaluation import flips
from ui.evaluation.choice import View
from ui.evaluation.figures import Line, robustness
from ui.theme import ink

#: From this difference on the page says so.
NOTED = 0.005


def show(view: View) -> None:
    """A panel for each attack, what they are worth, their numbers, and the beats behind their points."""
    panels = {
        reading: [name for name in view.names if reading in results.readings_of(name)] for reading in view.readings
    }
    panels = {reading: names for reading, names in panels.items() if names}
    if not panels:
        st.info("Choose a network and an attack that it has results of, or run another attack below.")
        return
    lines = {reading: [_line(name, reading, view) for name in names] for reading, names in panels.items()}
    for column, reading in zip(_places(len(lines)), lines, strict=True):
        with column:
            _panel(lines[reading], reading, view)
    for sentence in dict.fromkeys(sentence for reading in lines for sentence in _protocols(lines[reading], reading)):
        st.caption(sentence)
    if sentence := _which_beats(lines):
        st.caption(sentence)
    if view.published and all(line.published is None for part in lines.values() for line in part):
        st.caption("The paper has no such curve: it reports accuracy and precision at equal priors only.")
    for sentence in _more_together(lines.get(WHOLE, []), view):
        st.caption(sentence)
    chart.numbers(
        _table(lines),
        name=f"curves-{'-'.join(lines)}-{view.measure}",
        figures=lambda: {
            _heading(reading, view): robustness(
                part, view.title, ink(), bands=view.bands, ceiling=_ceiling(part, reading, view)
            )
            for reading, part in lines.items()
        },
        facts={
            "view": asdict(view),
            "protocols": {
                f"{line.title}, {reading_title(reading)}": results.protocol(line.name, reading)
                for reading in lines
                for line in lines[reading]
            },
            "weights": {name: loaders.checkpoint(name).digest for names in panels.values() for name in names},
        },
    )
    flips.show(lines)


def _protocols(lines: list[Line], reading: str) -> list[str]:
    """Under which rules a panel's lines came about, and whose they are where they are not the same for all."""
    titles: dict[str, list[str]] = {}
    for line in lines:
        titles.setdefault(results.protocol(line.name, reading), []).append(line.title)
    if len(titles) == 1:
        return list(titles)
    return [f"{'; '.join(whose)}: {sentence}" for sentence, whose in titles.items()]


def _which_beats(lines: dict[str, list[Line]]) -> str:
    """How many beats each curve is of, where these are not the same for all; else nothing."""
    counts: dict[int, list[str]] = {}
    for reading, line in ((reading, line) for reading, part in lines.items() for line in part):
        title = f"{line.title} under {reading_title(reading)}"
        counts.setdefault(int(line.curve["beats"].iloc[0]), []).append(title)
    if len(counts) < 2:
        return ""
    listed = "; ".join(
        f"{count:,} beats: {', '.join(titles)}" for count, titles in sorted(counts.items(), reverse=True)
    )
    return f"These curves are not of the same beats, so small differences between them say little. {listed}."


def _more_together(lines: list[Line], view: View) -> list[str]:
    """Where the page Verdict, which counts every attack that was run, has a lower worst case than the curve of its own."""
    if (view.measure, view.natural) != ("acc", False):
        return []
    result = []
    for line in lines:
        levels = results.verdict_levels(line.name)
        if levels is None:
            continue
        both = line.curve.merge(levels[["eps", "worst"]], on="eps")
        most = both.iloc[(both["value"] - both["worst"]).argmax()]
        if most["value"] - most["worst"] >= NOTED:
            result.append(
                f"Beats of {line.title} that withstood the worst case's attacks fell to others that were run, with noise on the "
                f"signal only or as published: all together leave {most['worst']:.2f} instead of {most['value']:.2f} at "
                f"{most['eps']:g}. The page Verdict counts them all."
            )
    return result


def _places(count: int) -> list[DeltaGenerator]:
    """Where so many panels go: one over the whole width, more in rows of two."""
    if count == 1:
        return [st.container()]
    rows = [st.columns(2, gap="medium") for _ in range(0, count, 2)]
    return [column for row in rows for column in row][:count]


def _heading(reading: str, view: View) -> str:
    return f"{view.title} under {_within(reading_title(reading))}"


def _within(title: str) -> str:
    """A title as it stands within a sentence: names in capitals stay."""
    return title if title[:2].isupper() else title[0].lower() + title[1:]


def _panel(lines: list[Line], reading: str, view: View) -> None:
    st.markdown(f"#### {_heading(reading, view)}")
    chart.draw(
        robustness(lines, view.title, ink(), bands=view.bands, ceiling=_ceiling(lines, reading, view)),
        key=f"curves_{reading}",
        on_select=partial(flips.choose, reading),
        alt=f"{_heading(reading, view)} against noise level, first and last: "
        + "; ".join(f"{line.title} {_ends(line.curve)}" for line in lines),
    )


def _ceiling(lines: list[Line], reading: str, view: View) -> pd.DataFrame | None:
    """What any classifier keeps of these beats at most, classes equally frequent; None where that is another number."""
    if view.measure != "acc" or view.natural:
        return None
    known = [results.ceiling_for(line.name) for line in lines]
    if any(ceiling is None for ceiling in known) or known[0] is None:
        return None
    kept = "kept_signal_only" if reading.endswith("-signal") else "kept"
    return known[0].levels[["eps", kept]].set_axis(["eps", "kept"], axis=1)


def _line(name: str, reading: str, view: View) -> Line:
    config = loaders.checkpoint(name).config
    network, method = config.network, config.method
    theirs = None
    if view.published and not view.natural and not name.startswith(loaders.OWN):
        tables = paper_tables()
        wanted = (tables["network"] == network) & (tables["method"] == method) & (tables["attack"] == reading)
        theirs = tables[wanted & (tables["metric"] == view.measure)].sort_values("eps")
    ours = results.curve(name, reading, view.measure, view.natural, view.alone)
    return Line(name, loaders.title(name), network, method, ours, None if theirs is None or theirs.empty else theirs)


def _ends(curve: pd.DataFrame) -> str:
    first, last = curve.iloc[0], curve.iloc[-1]
    return f"{first['value']:.2f} at {first['eps']:g} and {last['value']:.2f} at {last['eps']:g}"


def _table(lines: dict[str, list[Line]]) -> pd.DataFrame:
    parts = []
    for reading, line in ((reading, line) for reading, part in lines.items() for line in part):
        part = line.curve.assign(network=line.title, attack=reading_title(reading), checkpoint=line.name)
        if line.published is not None:
            part = part.merge(line.published[["eps", "value"]].rename(columns={"value": "published"}), "left", on="eps")
        parts.append(part)
    table = pd.concat(parts, ignore_index=True).round(4)
    columns = ["network", "attack", "eps", "value", "low", "high", "beats", "checkpoint"]
    return table[columns + (["published"] if "published" in table else [])]
