"""What was measured of the checkpoints, read from the files beside them, kept in memory, and never changed."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import pandas as pd
import streamlit as st

from nsr_core.beat import bracket
from nsr_core.beat.bracket import NOTHING_KNOWN, BeatBracket
from nsr_core.certificates import CERTIFICATES_FILE, load_certificates
from nsr_core.certificates.ceiling import CEILING_FILE, Ceiling, read_ceiling
from nsr_core.data import Beats
from nsr_core.data.frequencies import frequencies_of
from nsr_core.errors import Damaged
from nsr_core.evaluation import curves
from nsr_core.evaluation.assignment import PAPER_PLAN
from nsr_core.evaluation.summary import readings
from nsr_core.evaluation.table import load_table
from nsr_core.paper.beta import BETA_FILE, read_search
from nsr_core.paper.replication import Replication
from nsr_core.training.card import BEATS_FILE, CARD_FILE, MODEL_FILE, RESULTS_FILE
from nsr_core.verdict.everyday import EVERYDAY_FILE, load_everyday, summarise_everyday
from nsr_core.verdict.levels import VERDICT_FILE, read_levels
from nsr_core.verdict.masking import MASKING_FILES, MaskingCheck, load_masking
from nsr_core.verdict.patients import PatientResult, read_patients
from nsr_core.verdict.transfer import TRANSFER_FILE, TransferTable, load_transfer
from nsr_core.verdict.verdict import Verdict, read_verdict
from ui import loaders
from ui.loaders import checkpoint, folder_of, stamps_of

#: Of a summary, without which it is none.
SUMMARY_COLUMNS = {"attack", "eps", "acc", "acc_alone"}
EVALUATE_AGAIN = "Evaluate the network again with an attack that it has results of: it is written anew."
_Read = TypeVar("_Read", bound=Callable[..., Any])
_Included = TypeVar("_Included")


def _kept(*files: str, entries: int = 64, copied: bool = False) -> Callable[[_Read], _Read]:
    """Keep what a function of a checkpoint's name gives until one of the files that it reads changes.

    Args:
        files: their names.
        entries: answers that are kept at most.
        copied: whether who asks may change what it gets.
    """

    def keeping(read: _Read) -> _Read:
        def anew(folder: str, stamps: tuple[int, ...], name: str, *more: Any) -> Any:
            return read(name, *more)

        # By these Streamlit keeps answers apart.
        anew.__module__, anew.__qualname__ = read.__module__, read.__qualname__
        cache = st.cache_data if copied else st.cache_resource
        kept = cache(show_spinner=False, max_entries=entries)(anew)

        @wraps(read)
        def known(name: str, *more: Any) -> Any:
            folder = folder_of(name)
            return kept(str(folder), stamps_of(folder, *files), name, *more)

        return cast("_Read", known)

    return keeping


@_kept(RESULTS_FILE, copied=True)
def summary(name: str) -> pd.DataFrame | None:
    """A checkpoint's attack results (see ``summarise``), or None where it was not evaluated."""
    path = folder_of(name) / RESULTS_FILE
    if not path.exists():
        return None
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise Damaged(f"{path} cannot be read ({error}). {EVALUATE_AGAIN}") from None
    if missing := SUMMARY_COLUMNS - set(table):
        raise Damaged(f"{path} lacks the columns {', '.join(sorted(missing))}. {EVALUATE_AGAIN}")
    return table


@_kept(BEATS_FILE, entries=16)
def beat_table(name: str) -> pd.DataFrame | None:
    """What became of each test beat (see ``nsr_core.evaluation.table``), or None where it was not evaluated."""
    path = folder_of(name) / BEATS_FILE
    return load_table(path) if path.exists() else None


@_kept(BEATS_FILE, CARD_FILE, entries=500, copied=True)
def curve(name: str, reading: str, measure: str, natural: bool, alone: bool) -> pd.DataFrame:
    """A checkpoint's curve (see ``nsr_core.evaluation.curves``), computed once."""
    table, frequencies = beat_table(name), frequencies_of(checkpoint(name).card)
    assert table is not None  # it has a reading
    return curves.curve(table, readings(table)[reading], measure, natural=natural, alone=alone, frequencies=frequencies)


def stored_bracket(name: str, beats: Beats, row: int, signal_only: bool) -> BeatBracket:
    """What a checkpoint's stored results say of a beat (see ``nsr_core.beat.bracket``)."""
    card = checkpoint(name).card
    if checkpoint(name).config.source != beats.source or (table := beat_table(name)) is None:
        return NOTHING_KNOWN
    attacks = {attack: ran for attack, ran in card["results"].get("attacks", {}).items() if "signal_only" in ran}
    return bracket.stored_bracket(beats, row, table, attacks, certificates(name), signal_only=signal_only)


@_kept(CERTIFICATES_FILE, CARD_FILE, entries=16)
def certificates(name: str) -> pd.DataFrame | None:
    """A checkpoint's certificates of noise on every sample, or None where there are none."""
    path = folder_of(name) / CERTIFICATES_FILE
    if not path.exists() or checkpoint(name).card["results"].get("certificates", {}).get("signal_only", False):
        return None
    return load_certificates(path)


def readings_of(name: str) -> list[str]:
    """Under which names a checkpoint's attacks can be shown; none where it was not evaluated, or only its summary is here."""
    found = summary(name)
    if found is None or not (folder_of(name) / BEATS_FILE).exists():
        return []
    return list(dict.fromkeys(found["attack"]))


@_kept(BEATS_FILE, CERTIFICATES_FILE)
def verdict(name: str) -> Verdict | None:
    """What is known of a checkpoint beside the published protocol, or None where its worst case was not evaluated."""
    return read_verdict(folder_of(name))


@_kept(BEATS_FILE, CERTIFICATES_FILE, VERDICT_FILE)
def verdict_levels(name: str) -> pd.DataFrame | None:
    """A verdict's levels (see ``Verdict``), which are read much sooner than its beats; None where there is no verdict."""
    return read_levels(folder_of(name))


@_kept(*MASKING_FILES)
def masking(name: str) -> MaskingCheck | None:
    """Whether a checkpoint's gradient misleads attacks, or None where no one looked."""
    return load_masking(folder_of(name))


@_kept(EVERYDAY_FILE, copied=True)
def everyday(name: str) -> pd.DataFrame | None:
    """How a checkpoint reads beats under everyday noise (see ``summarise_everyday``), or None where it was not tried."""
    path = folder_of(name) / EVERYDAY_FILE
    return summarise_everyday(load_everyday(path)) if path.exists() else None


@_kept(BEATS_FILE, entries=200)
def patients(name: str, reading: str, eps: float) -> PatientResult:
    """A checkpoint's results by class and patient (see ``nsr_core.verdict.patients``), computed once."""
    return read_patients(folder_of(name), reading, eps)


def _included(file: str, read: Callable[[Path], _Included]) -> _Included:
    """What a file beside the included checkpoints says, read again only when it has changed."""
    kept: _Included = _read_once(str(loaders.SHIPPED / file), stamps_of(loaders.SHIPPED, file), read)
    return kept


@st.cache_resource(show_spinner=False, max_entries=8)
def _read_once(path: str, stamps: tuple[int, ...], _read: Callable[[Path], Any]) -> Any:
    return _read(Path(path))


def ceiling_for(name: str) -> Ceiling | None:
    """What any classifier could keep of the test beats that a checkpoint's results are of, or None where that is not known.

    Raises:
        UserError: the included result cannot be read.
    """
    known, card = _included(CEILING_FILE, read_ceiling), checkpoint(name).card
    same = known and (known.source, known.split) == (card["data"]["source"], card["split"]["fingerprint"])
    return known if same else None


def transfer() -> TransferTable | None:
    """The included transfer between networks (see ``nsr_core.verdict.transfer``), of today's weights; None where there is none.

    Raises:
        UserError: it cannot be read.
    """
    known = _included(TRANSFER_FILE, load_transfer)
    if known is None:
        return None
    included = [name for name in known.weights if (loaders.SHIPPED / name / CARD_FILE).exists()]
    return known.only({name: checkpoint(name).digest for name in included})


def beta_search() -> dict[str, Any] | None:
    """The included search over β (see ``nsr_core.paper.beta``), or None where there is none.

    Raises:
        UserError: it cannot be read.
    """
    return _included(BETA_FILE, read_search)


def aimed_noise(name: str) -> pd.DataFrame:
    """A checkpoint's worst case on the signal only, on the axis of everyday noise: rows ``eps, snr_db, signal``."""
    found, ran = verdict_levels(name), checkpoint(name).card["results"].get("everyday", {})
    levels = pd.DataFrame(ran.get("eps_in_db", []), columns=["eps", "snr_db"])
    if found is None or levels.empty:
        return pd.DataFrame({"eps": [], "snr_db": [], "signal": []})
    return levels.merge(found[["eps", "signal"]], on="eps").dropna()


def beats_that_flip(name: str, reading: str, eps: float) -> pd.DataFrame:
    """The beats behind a point of a curve (see ``nsr_core.evaluation.curves``)."""
    table = beat_table(name)
    assert table is not None  # it has a curve
    return curves.beats_that_flip(table, readings(table)[reading], eps)


def protocol(name: str, reading: str) -> str:
    """Under which rules a checkpoint's results came about, from its card."""
    card = checkpoint(name).card
    table = beat_table(name)
    assert table is not None  # it has results
    attack = readings(table)[reading].attack
    ran = card["results"]["attacks"][attack]
    where = "signal samples only" if ran["signal_only"] else "padding included"
    replication = Replication.of(checkpoint(name), None)
    changed = "; ".join(replication.setting_departures(reading)) if attack in PAPER_PLAN else ""
    training = "; ".join(replication.training_departures)
    rules = ran["protocol"] + (f" ({changed})" if changed else "")
    departs = f"The training departs from the paper's: {training}. " if training else ""
    return (
        f"Protocol: {rules}; {ran['beats']}, {where}; split by {card['split']['name']} "
        f"`{card['split']['fingerprint']}`; attack seed {ran['seed']}, training seed {card['config']['seed']}, "
        f"{replication.epochs} epochs. {departs}An attack that fails proves nothing."
    )


#: A checkpoint's name, its folder, and when its files were last written.
AsOf = tuple[str, str, tuple[int, ...]]


def results_as_of(name: str) -> AsOf:
    """Another one whenever a checkpoint, its card or its summary has changed: the key of what is made of them."""
    folder = folder_of(name)
    return name, str(folder), stamps_of(folder, CARD_FILE, MODEL_FILE, RESULTS_FILE)
