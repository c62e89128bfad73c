"""What the server keeps in memory: checkpoints, their results and the beats, loaded once and never changed."""

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from nsr_core.beat import bracket
from nsr_core.beat.bracket import NOTHING_KNOWN, BeatBracket
from nsr_core.certificates import CERTIFICATES_FILE, load_certificates
from nsr_core.certificates.ceiling import CEILING_FILE, Ceiling, read_ceiling
from nsr_core.compute import configure
from nsr_core.data import Beats, Split, load_beats, make_split
from nsr_core.data.frequencies import frequencies_of
from nsr_core.data.splits import SPLIT_SEED
from nsr_core.errors import Damaged, UserError
from nsr_core.evaluation import curves
from nsr_core.evaluation.assignment import PAPER_PLAN
from nsr_core.evaluation.summary import readings
from nsr_core.evaluation.table import load_table
from nsr_core.files import checkpoints_dir, runs_dir
from nsr_core.methods import METHODS
from nsr_core.models import NETWORKS
from nsr_core.paper.beta import BETA_FILE, read_search
from nsr_core.paper.replication import Replication
from nsr_core.paper.seeds import SEEDS_FOLDER
from nsr_core.progress import Progress
from nsr_core.recordings.beats import SOURCE
from nsr_core.training.card import BEATS_FILE, CARD_FILE, MODEL_FILE, RESULTS_FILE, list_checkpoints, read_card
from nsr_core.training.checkpoint import Checkpoint, load_checkpoint
from nsr_core.training.config import TrainConfig
from nsr_core.verdict.everyday import EVERYDAY_FILE, load_everyday, summarise_everyday
from nsr_core.verdict.levels import VERDICT_FILE, read_levels
from nsr_core.verdict.masking import MASKING_FILES, MaskingCheck, load_masking
from nsr_core.verdict.patients import PatientResult, read_patients
from nsr_core.verdict.transfer import TRANSFER_FILE, TransferTable, load_transfer
from nsr_core.verdict.verdict import Verdict, read_verdict
from ui import own

SHIPPED = checkpoints_dir()
#: Of a summary, without which it is none.
SUMMARY_COLUMNS = {"attack", "eps", "acc", "acc_alone"}
EVALUATE_AGAIN = "Evaluate the network again with an attack that it has results of: it is written anew."
#: Before the name of a checkpoint that was trained on this machine.
OWN = "runs/"


def checkpoint_names() -> list[str]:
    """The shipped checkpoints, each network's methods in the order of the paper, then ``runs/...``, the reader's own."""
    # One thread: the networks are so small that a second one only gets in the way of the first.
    configure(threads=1)
    shipped = [folder.name for folder in list_checkpoints(SHIPPED)]
    own = [OWN + folder.name for folder in list_checkpoints(runs_dir())]
    return sorted(shipped, key=_rank) + sorted(own, key=_rank)


def other_seeds() -> list[str]:
    """Names of checkpoints that come along to tell how far the training seed moves the results, and for nothing else."""
    return [f"{SEEDS_FOLDER}/{folder.name}" for folder in list_checkpoints(SHIPPED / SEEDS_FOLDER)]


def folder_of(name: str) -> Path:
    """The folder of a checkpoint that ``checkpoint_names`` or ``other_seeds`` lists."""
    return runs_dir() / name.removeprefix(OWN) if name.startswith(OWN) else SHIPPED / name


def trained_as(name: str) -> TrainConfig | None:
    """How a checkpoint was trained, from its card; None where that cannot be read."""
    folder = folder_of(name)
    return _trained_as(str(folder), _stamps(folder, CARD_FILE))


@lru_cache(maxsize=500)  # asked some fifty times a page: Streamlit's own cache takes a millisecond for an answer
def _trained_as(folder: str, stamps: tuple[int, ...]) -> TrainConfig | None:
    try:
        return TrainConfig.from_json(read_card(Path(folder))["config"])
    except (UserError, KeyError, TypeError):
        return None


def title(name: str) -> str:
    """A checkpoint in words: ``Noise-to-signal loss (loss2), MLP``, and what sets it apart from another of that method."""
    config = trained_as(name)
    if config is None:
        return name
    if name.startswith(OWN):
        return f"{config.title}, yours: {name.removeprefix(OWN)}"
    if name.startswith(f"{SEEDS_FOLDER}/"):
        return f"{config.title}, training seed {config.seed}"
    return f"{config.title}, split by patient" if config.split == "patient" else config.title


def titles(names: Iterable[str]) -> dict[str, str]:
    """``title`` of each, by name."""
    return {name: title(name) for name in names}


def _rank(name: str) -> tuple[int, int, str]:
    """The networks in the order of their table, the quick ones first, and each one's methods in the order of theirs."""
    config = trained_as(name)
    if config is None:
        return len(NETWORKS), len(METHODS), name
    return list(NETWORKS).index(config.network), list(METHODS).index(config.method), name


def checkpoint(name: str) -> Checkpoint:
    """A checkpoint; read again only when its files have changed."""
    folder = folder_of(name)
    return _checkpoint(str(folder), _stamps(folder, CARD_FILE, MODEL_FILE))


@st.cache_resource(show_spinner=False, max_entries=64)
def _checkpoint(folder: str, stamps: tuple[int, ...]) -> Checkpoint:
    return load_checkpoint(folder)


def summary(name: str) -> pd.DataFrame | None:
    """A checkpoint's attack results (see ``summarise``), or None where it was not evaluated."""
    folder = folder_of(name)
    return _summary(str(folder), _stamps(folder, RESULTS_FILE)) if (folder / RESULTS_FILE).exists() else None


@st.cache_data(show_spinner=False, max_entries=64)
def _summary(folder: str, stamps: tuple[int, ...]) -> pd.DataFrame:
    path = Path(folder) / RESULTS_FILE
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise Damaged(f"{path} cannot be read ({error}). {EVALUATE_AGAIN}") from None
    if missing := SUMMARY_COLUMNS - set(table):
        raise Damaged(f"{path} lacks the columns {', '.join(sorted(missing))}. {EVALUATE_AGAIN}")
    return table


def beat_table(name: str) -> pd.DataFrame | None:
    """What became of each test beat (see ``nsr_core.evaluation.table``), or None where it was not evaluated."""
    folder = folder_of(name)
    return _beat_table(str(folder), _stamps(folder, BEATS_FILE)) if (folder / BEATS_FILE).exists() else None


@st.cache_resource(show_spinner=False, max_entries=16)
def _beat_table(folder: str, stamps: tuple[int, ...]) -> pd.DataFrame:
    return load_table(Path(folder) / BEATS_FILE)


def curve(name: str, reading: str, measure: str, natural: bool, alone: bool) -> pd.DataFrame:
    """A checkpoint's curve (see ``nsr_core.evaluation.curves``), computed once."""
    folder = folder_of(name)
    frequencies = frequencies_of(checkpoint(name).card)
    counts = None if frequencies is None else tuple(frequencies.tolist())
    return _curve(str(folder), _stamps(folder, BEATS_FILE), reading, measure, natural, alone, counts)


@st.cache_data(show_spinner=False, max_entries=500)
def _curve(
    folder: str,
    stamps: tuple[int, ...],
    reading: str,
    measure: str,
    natural: bool,
    alone: bool,
    frequencies: tuple[int, ...] | None,
) -> pd.DataFrame:
    table, counts = _beat_table(folder, stamps), None if frequencies is None else np.array(frequencies)
    return curves.curve(table, readings(table)[reading], measure, natural=natural, alone=alone, frequencies=counts)


def stored_bracket(name: str, beats: Beats, row: int, signal_only: bool) -> BeatBracket:
    """What a checkpoint's stored results say of a beat (see ``nsr_core.beat.bracket``)."""
    card = checkpoint(name).card
    if checkpoint(name).config.source != beats.source or (table := beat_table(name)) is None:
        return NOTHING_KNOWN
    attacks = {attack: ran for attack, ran in card["results"].get("attacks", {}).items() if "signal_only" in ran}
    return bracket.stored_bracket(beats, row, table, attacks, certificates(name), signal_only=signal_only)


def certificates(name: str) -> pd.DataFrame | None:
    """A checkpoint's certificates of noise on every sample, or None where there are none."""
    folder = folder_of(name)
    stamps = _stamps(folder, CERTIFICATES_FILE)
    if not stamps or checkpoint(name).card["results"].get("certificates", {}).get("signal_only", False):
        return None
    return _certificates(str(folder / CERTIFICATES_FILE), stamps)


@st.cache_resource(show_spinner=False, max_entries=16)
def _certificates(path: str, stamps: tuple[int, ...]) -> pd.DataFrame:
    return load_certificates(Path(path))


def readings_of(name: str) -> list[str]:
    """Under which names a checkpoint's attacks can be shown; none where it was not evaluated, or only its summary is here."""
    found = summary(name)
    if found is None or not (folder_of(name) / BEATS_FILE).exists():
        return []
    return list(dict.fromkeys(found["attack"]))


def verdict(name: str) -> Verdict | None:
    """What is known of a checkpoint beside the published protocol, or None where its worst case was not evaluated."""
    folder = folder_of(name)
    return _verdict(str(folder), _stamps(folder, BEATS_FILE, CERTIFICATES_FILE))


@st.cache_resource(show_spinner=False, max_entries=64)
def _verdict(folder: str, stamps: tuple[int, ...]) -> Verdict | None:
    return read_verdict(Path(folder))


def verdict_levels(name: str) -> pd.DataFrame | None:
    """A verdict's levels (see ``Verdict``), which are read much sooner than its beats; None where there is no verdict."""
    folder = folder_of(name)
    return _verdict_levels(str(folder), _stamps(folder, BEATS_FILE, CERTIFICATES_FILE, VERDICT_FILE))


@st.cache_resource(show_spinner=False, max_entries=64)
def _verdict_levels(folder: str, stamps: tuple[int, ...]) -> pd.DataFrame | None:
    return read_levels(Path(folder))


def masking(name: str) -> MaskingCheck | None:
    """Whether a checkpoint's gradient misleads attacks, or None where no one looked."""
    folder = folder_of(name)
    return _masking(str(folder), _stamps(folder, *MASKING_FILES))


@st.cache_resource(show_spinner=False, max_entries=64)
def _masking(folder: str, stamps: tuple[int, ...]) -> MaskingCheck | None:
    return load_masking(Path(folder))


def everyday(name: str) -> pd.DataFrame | None:
    """How a checkpoint reads beats under everyday noise (see ``summarise_everyday``), or None where it was not tried."""
    folder = folder_of(name)
    path = folder / EVERYDAY_FILE
    return _everyday(str(path), _stamps(folder, EVERYDAY_FILE)) if path.exists() else None


@st.cache_data(show_spinner=False, max_entries=64)
def _everyday(path: str, stamps: tuple[int, ...]) -> pd.DataFrame:
    return summarise_everyday(load_everyday(Path(path)))


def patients(name: str, reading: str, eps: float) -> PatientResult:
    """A checkpoint's results by class and patient (see ``nsr_core.verdict.patients``), computed once."""
    folder = folder_of(name)
    return _patients(str(folder), _stamps(folder, BEATS_FILE), reading, eps)


@st.cache_resource(show_spinner=False, max_entries=200)
def _patients(folder: str, stamps: tuple[int, ...], reading: str, eps: float) -> PatientResult:
    return read_patients(Path(folder), reading, eps)


def ceiling_for(name: str) -> Ceiling | None:
    """What any classifier could keep of the test beats that a checkpoint's results are of, or None where that is not known.

    Raises:
        UserError: the included result cannot be read.
    """
    known, card = _ceiling(str(SHIPPED / CEILING_FILE), _stamps(SHIPPED, CEILING_FILE)), checkpoint(name).card
    same = known and (known.source, known.split) == (card["data"]["source"], card["split"]["fingerprint"])
    return known if same else None


@st.cache_resource(show_spinner=False, max_entries=1)
def _ceiling(path: str, stamps: tuple[int, ...]) -> Ceiling | None:
    return read_ceiling(Path(path))


def transfer() -> TransferTable | None:
    """The included transfer between networks (see ``nsr_core.verdict.transfer``), of today's weights; None where there is none.

    Raises:
        UserError: it cannot be read.
    """
    known = _transfer(str(SHIPPED / TRANSFER_FILE), _stamps(SHIPPED, TRANSFER_FILE))
    if known is None:
        return None
    included = [name for name in known.weights if (SHIPPED / name / CARD_FILE).exists()]
    return known.only({name: checkpoint(name).digest for name in included})


@st.cache_resource(show_spinner=False, max_entries=1)
def _transfer(path: str, stamps: tuple[int, ...]) -> TransferTable | None:
    return load_transfer(Path(path))


def beta_search() -> dict[str, Any] | None:
    """The included search over β (see ``nsr_core.paper.beta``), or None where there is none.

    Raises:
        UserError: it cannot be read.
    """
    return _beta_search(str(SHIPPED / BETA_FILE), _stamps(SHIPPED, BETA_FILE))


@st.cache_resource(show_spinner=False, max_entries=1)
def _beta_search(path: str, stamps: tuple[int, ...]) -> dict[str, Any] | None:
    return read_search(Path(path))


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
    return name, str(folder), _stamps(folder, CARD_FILE, MODEL_FILE, RESULTS_FILE)


def _stamps(folder: Path, *names: str) -> tuple[int, ...]:
    return tuple(path.stat().st_mtime_ns for name in names if (path := folder / name).exists())


def beats_of(source: str, root: str | None = None) -> Beats:
    """The beats of a source that is on this machine; those of the reader's own recording are of this visit only."""
    if source == SOURCE:
        return own.beats()
    return stored_beats(source, root)


@st.cache_resource(show_spinner=False, max_entries=3)
def stored_beats(source: str, root: str | None = None) -> Beats:
    """The beats of a source that everyone sees."""
    return load_beats(source, root)


def load_anew(source: str, root: str | None, progress: Progress) -> None:
    """Fetch a source's beats, however long it takes; ``stored_beats`` then has them at once.

    Raises:
        UserError: see ``load_beats``.
    """
    load_beats(source, root, progress)
    stored_beats.clear(source, root)


@st.cache_resource(show_spinner=False, max_entries=6)
def split_of(source: str, root: str | None, name: str = "beat", seed: int = SPLIT_SEED) -> Split:
    """The split called ``name`` of the beats of a source."""
    return make_split(beats_of(source, root), name, seed)
