"""How the Verdict page says what it shows."""

import pandas as pd

from nsr_core.evaluation.verdict import SIGNAL, WHOLE
from ui import loaders


def who_leads(table: pd.DataFrame) -> str:
    """Which network is first under the published attack, which in the worst case, and who falls furthest."""
    eps = table["eps"].iloc[0]
    published, worst, fall = (table.loc[table[column].idxmax()] for column in ("published", "worst", "gap"))
    first = (
        f"Under noise of {eps:g} the published attack leaves most to **{published['title']}**: an accuracy of "
        f"{published['published']:.2f}, which is {published['worst']:.2f} in the worst case."
    )
    if worst["title"] != published["title"]:
        first += f" In the worst case **{worst['title']}** is first, with {worst['worst']:.2f}."
    if fall["title"] != published["title"] and fall["gap"] >= 0.005:
        first += f" **{fall['title']}** falls furthest, from {fall['published']:.2f} to {fall['worst']:.2f}."
    return first


def protocol(name: str) -> str:
    """Which beats, split and seed a verdict is about, and what it does not say."""
    card = loaders.checkpoint(name).card
    attacks = card["results"]["attacks"]
    ran = attacks[WHOLE]
    fewer = SIGNAL in attacks and attacks[SIGNAL]["beats"] != ran["beats"]
    signal = f"; noise on the signal only on fewer ({attacks[SIGNAL]['beats']})" if fewer else ""
    return (
        f"Protocols: paper (100-PGD as published) and worst-case (all attacks in turn, strength {ran['attack']['strength']}), "
        f"both on the same beats ({ran['beats']}), noise on all samples{signal}; split by {card['split']['name']} "
        f"`{card['split']['fingerprint']}`, attack seed {ran['seed']}, training seed {card['config']['seed']}. A worst case is the worst that we found: true "
        "robustness lies between it and what is proved."
    )
