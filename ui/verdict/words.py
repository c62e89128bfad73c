"""How the Verdict page says what it shows."""

from collections.abc import Iterable

import pandas as pd

from nsr_core.verdict.verdict import SIGNAL, WHOLE
from ui import loaders

LIMIT = "A worst case is the worst that we found: true robustness lies between it and what is proved."


def group(name: str) -> str:
    """Whose numbers a checkpoint's may be compared with: those of the same network on test beats of the same split."""
    card = loaders.checkpoint(name).card
    by = card["split"]["name"]
    return card["network"].upper() + ("" if by == "beat" else f", split by {by}")


def who_leads(table: pd.DataFrame) -> str:
    """In each group: who is first under the published attack, who in the worst case, and who falls furthest, what is proved and possible."""
    result = [f"- {name}: {_who_leads(rows)}" for name, rows in table.groupby("group", sort=False)]
    return "\n".join([f"Under noise of {table['eps'].iloc[0]:g}:", "", *result])


def _who_leads(table: pd.DataFrame) -> str:
    if table["published"].isna().all():
        worst = table.iloc[table["worst"].argmax()]
        return (
            f"the published attack was not run; in the worst case **{worst['title']}** is first, with {worst['worst']:.2f}."
            + _proved(table)
        )
    published, worst, fall = (table.iloc[table[column].argmax()] for column in ("published", "worst", "gap"))
    before, after = (f"{published[column]:.2f}" for column in ("published", "worst"))
    first = (
        f"the published attack leaves most to **{published['title']}**, an accuracy of {before}, "
        f"{'the same' if after == before else f'which is {after}'} in the worst case."
    )
    if worst["title"] != published["title"]:
        first += f" In the worst case **{worst['title']}** is first, with {worst['worst']:.2f}."
    if fall["title"] != published["title"] and fall["gap"] >= 0.005:
        first += f" **{fall['title']}** falls furthest, from {fall['published']:.2f} to {fall['worst']:.2f}."
    return first + _proved(table)


def _proved(table: pd.DataFrame) -> str:
    """Who keeps most under any noise whatever, and what nobody can exceed."""
    result = ""
    if table["proved"].notna().any():
        most = table.iloc[table["proved"].argmax()]
        result = f" Proved, against every noise: at most **{most['title']}**, {most['proved']:.2f}."
        if most["proved"] >= 0.005:
            result = f" Proved, against every noise: **{most['title']}** keeps at least {most['proved']:.2f}."
    if table["ceiling"].notna().any():
        result += f" No classifier whatever can keep more than {table['ceiling'].max():.2f} of the whole test split."
    return result


def protocol(name: str) -> str:
    """By which rules a verdict came about, on which beats, split and seeds, and what it does not say."""
    return f"{_rules(name)} Beats: {_beats(name)}. {LIMIT}"


def protocols(names: Iterable[str]) -> str:
    """The same of many as Markdown: what they share once, then the beats, and whose they are."""
    names = list(names)
    by_beats: dict[str, list[str]] = {}
    for name in names:
        by_beats.setdefault(_beats(name), []).append(loaders.title(name))
    groups = [f"- {'; '.join(titles)}: {beats}." for beats, titles in by_beats.items()]
    return "\n".join([*dict.fromkeys(map(_rules, names)), LIMIT, "", *groups])


def _rules(name: str) -> str:
    ran = loaders.checkpoint(name).card["results"]["attacks"][WHOLE]
    return (
        f"Protocols: paper (PGD with 100 steps, as published) and worst-case (all attacks in turn, strength {ran['attack']['strength']}), "
        "both on the same beats, noise on all samples."
    )


def _beats(name: str) -> str:
    card = loaders.checkpoint(name).card
    attacks = card["results"]["attacks"]
    ran = attacks[WHOLE]
    fewer = SIGNAL in attacks and attacks[SIGNAL]["beats"] != ran["beats"]
    signal = f" (noise on the signal only: {attacks[SIGNAL]['beats']})" if fewer else ""
    return (
        f"{ran['beats']}{signal}, split by {card['split']['name']} `{card['split']['fingerprint']}`, attack seed "
        f"{ran['seed']}, training seed {card['config']['seed']}"
    )
