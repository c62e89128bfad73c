"""Our results beside the paper's, and what must be said wherever they are shown: what is missing, by which rules."""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from nsr_core.errors import UserError
from nsr_core.paper.replication import Replication, provenance, published_and_ours
from nsr_core.paper.report import ATTACK_TITLES, METRIC_TITLES
from nsr_core.paper.seeds import over_seeds, rows_by_seed
from ui import loaders, results
from ui.plain import in_words


@dataclass(frozen=True)
class Ours:
    """The included checkpoints' results.

    Attributes:
        replications: the checkpoints.
        rows: of ``published_and_ours``, of these.
        over_seeds: of ``over_seeds``, of these and of those from other training seeds.
        rows_by_seed: of ``rows_by_seed``.
    """

    replications: list[Replication]
    rows: pd.DataFrame
    over_seeds: pd.DataFrame
    rows_by_seed: dict[int, pd.DataFrame]


def load() -> Ours:
    """The shipped checkpoints; one that cannot be read is named and left out."""
    names = [name for name in loaders.checkpoint_names() if not name.startswith(loaders.OWN)]
    ours, left_out = _load(*(tuple(map(results.results_as_of, part)) for part in (names, loaders.other_seeds())))
    for message in left_out:
        st.warning(message)
    return ours


@st.cache_resource(show_spinner=False, max_entries=4)
def _load(shipped: tuple[results.AsOf, ...], others: tuple[results.AsOf, ...]) -> tuple[Ours, list[str]]:
    """Made again only when a file of theirs has changed; and what to say of those that cannot be read."""
    left_out: list[str] = []
    found, more = (_replications((name for name, *_ in part), left_out) for part in (shipped, others))
    return Ours(found, published_and_ours(found), over_seeds(found + more), rows_by_seed(found, more)), left_out


def _replications(names: Iterable[str], left_out: list[str]) -> list[Replication]:
    found = []
    for name in names:
        try:
            found.append(Replication.of(loaders.checkpoint(name), results.summary(name)))
        except UserError as error:
            left_out.append(f"{name} is left out: {in_words(error)}")
    return found


def table_title(rows: pd.DataFrame) -> str:
    """One of the paper's tables in words: ``ACC, MLP, 100-PGD``."""
    first = rows.iloc[0]
    return f"{METRIC_TITLES[first['metric']]}, {first['network'].upper()}, {ATTACK_TITLES[first['attack']]}"


def tell_missing(rows: pd.DataFrame) -> None:
    """Which methods have no value of ours, and why."""
    gone = rows[rows["missing"] != ""]
    for why, methods in gone.groupby("missing", sort=False)["method"].unique().items():
        listed = "All nine methods" if len(methods) == rows["method"].nunique() else ", ".join(methods)
        st.info(f"{listed}: {why}. The published values stand alone.", icon=":material/hourglass_empty:")


def protocol(rows: pd.DataFrame) -> str:
    """Under which rules our values came about."""
    facts = provenance(rows)
    if not facts["methods"]:
        return "No result of ours is here yet."
    listed = {
        name: " and ".join(f"{value:,}" for value in facts[name]) for name in ("beats", "epochs", "seed", "attack_seed")
    }
    return (
        f"Ours: {len(facts['methods'])} of {rows['method'].nunique()} methods, protocol {' and '.join(facts['protocol'])}, "
        f"{listed['epochs']} epochs, {listed['beats']} test beats, split `{'`, `'.join(facts['split'])}`, training seed "
        f"{listed['seed']}, attack seed {listed['attack_seed']}. Each noise level alone, as published. That an attack fails "
        "does not prove that none succeeds."
    )


def tell_starred(rows: pd.DataFrame) -> None:
    """What is not by the paper protocol, and how; methods of which the same is to be said, together."""
    custom = rows[rows["protocol"] == "custom"].drop_duplicates("method")
    for (departures, beats, note), alike in custom.groupby(["departures", "beats", "note"], sort=False):
        starred = ", ".join(f"{method} \\*" for method in alike["method"])
        more = f" {note}" if note else ""
        st.markdown(f"**{starred}** protocol custom: {departures or 'see its card'} ({beats:,.0f} beats).{more}")


def tell_absent(names: tuple[str, ...]) -> bool:
    """Whether a checkpoint that a figure needs is not here, and which."""
    gone = [name for name in names if name not in loaders.checkpoint_names()]
    if gone:
        st.info(f"This figure needs {' and '.join(gone)}, which {'is' if len(gone) == 1 else 'are'} not here.")
    return bool(gone)
