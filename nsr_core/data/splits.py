"""Which beats train, which validate, which test; and a fingerprint that says so in twelve characters."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nsr_core.data.beats import CLASSES, Beats
from nsr_core.errors import UserError

SPLIT_SEED = 2020
#: Beats of each class in the published test file of Kachuee et al., in the order of ``CLASSES``.
PUBLISHED_TEST_COUNTS = (18_118, 556, 1_448, 162, 1_608)
#: Ma & Liang (2020), section 2.1: 17,511 of the 87,554 training beats validate.
PUBLISHED_VALIDATION_COUNT = 17_511
PUBLISHED_BEAT_COUNT = 109_446

#: de Chazal et al. (2004): patients for training and for testing; the four paced records are in neither.
#: Records 201 and 202 come from one patient and stand on either side, in the published split as here.
DS1 = tuple(
    [
        "101",
        "106",
        "108",
        "109",
        "112",
        "114",
        "115",
        "116",
        "118",
        "119",
        "122",
        "124",
        "201",
        "203",
        "205",
        "207",
        "208",
        "209",
        "215",
        "220",
        "223",
        "230",
    ]
)
DS2 = tuple(
    [
        "100",
        "103",
        "105",
        "111",
        "113",
        "117",
        "121",
        "123",
        "200",
        "202",
        "210",
        "212",
        "213",
        "214",
        "219",
        "221",
        "222",
        "228",
        "231",
        "232",
        "233",
        "234",
    ]
)


@dataclass(frozen=True)
class Split:
    """Row numbers into one ``Beats``, each part in ascending order, no row in two parts.

    Attributes:
        name: ``"beat"``, ``"patient"`` or ``"published"``.
        seed: what shuffled it.
        train, validation, test: (k,) int64 row numbers.
        fingerprint: 12 hex characters of a SHA-256 over the names of the beats in each part; two
            results may be compared only where it agrees.
    """

    name: str
    seed: int
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    fingerprint: str


def split_by_beat(beats: Beats, seed: int = SPLIT_SEED) -> Split:
    """The paper's split: stratified by class, 80/20, and 20 % of the training part for validation.

    Beats of one patient fall on both sides. On the 109,446 MIT-BIH beats the test part has exactly the
    published class counts and the validation part 17,511 beats; which beats those were was never
    published, so they are drawn here with our own seed. Other sets: 20 % of each class, rounded.
    """
    if len(beats) == PUBLISHED_BEAT_COUNT and beats.source == "mitbih":
        test_counts, validation_count = np.array(PUBLISHED_TEST_COUNTS), PUBLISHED_VALIDATION_COUNT
    else:
        test_counts = np.round(np.bincount(beats.y, minlength=len(CLASSES)) * 0.2).astype(int)
        validation_count = round((len(beats) - int(test_counts.sum())) * 0.2)
    rng = np.random.default_rng(seed)
    test = _draw(beats.y, np.arange(len(beats)), test_counts, rng)
    rest = np.setdiff1d(np.arange(len(beats)), test)
    validation = _draw(beats.y, rest, _proportional(beats.y[rest], validation_count), rng)
    return _make("beat", beats, seed, np.setdiff1d(rest, validation), validation, test)


def split_by_patient(beats: Beats, seed: int = SPLIT_SEED) -> Split:
    """de Chazal's split: train on the patients of DS1, test on those of DS2, no paced records.

    The validation part is 20 % of the DS1 beats, stratified by class; it shares patients with the
    training part and so reads too well. Nothing is selected by it: the last epoch is always used.
    """
    if not set(DS1 + DS2) <= set(beats.record.tolist()):
        raise UserError(
            f'The split by patient needs the MIT-BIH records; these beats are "{beats.source}". Use split "beat".'
        )
    rng = np.random.default_rng(seed)
    ds1, ds2 = (np.flatnonzero(np.isin(beats.record, records)) for records in (DS1, DS2))
    validation = _draw(beats.y, ds1, _proportional(beats.y[ds1], round(len(ds1) * 0.2)), rng)
    return _make("patient", beats, seed, np.setdiff1d(ds1, validation), validation, ds2)


def split_as_published(beats: Beats, seed: int = SPLIT_SEED) -> Split:
    """The split of the published CSV: the test file tests; 20 % of the train file validates, stratified."""
    if beats.source != "kaggle":
        raise UserError(
            f'The published split belongs to the published CSV; these beats are "{beats.source}". Use "beat".'
        )
    test = np.flatnonzero(beats.record == "test")
    rest = np.flatnonzero(beats.record == "train")
    rng = np.random.default_rng(seed)
    validation = _draw(beats.y, rest, _proportional(beats.y[rest], round(len(rest) * 0.2)), rng)
    return _make("published", beats, seed, np.setdiff1d(rest, validation), validation, test)


SPLITS: dict[str, Callable[[Beats, int], Split]] = {
    "beat": split_by_beat,
    "patient": split_by_patient,
    "published": split_as_published,
}


def make_split(beats: Beats, name: str, seed: int = SPLIT_SEED) -> Split:
    """The split called ``name``, in rows of ``beats``.

    >>> from nsr_core.data import load_beats
    >>> split = make_split(load_beats("demo"), "beat")
    >>> len(split.train), len(split.validation), len(split.test)
    (640, 160, 200)

    Raises:
        UserError: no split has that name, or these beats cannot be split that way.
    """
    if name not in SPLITS:
        raise UserError(f'There is no split "{name}". Choose one of: {", ".join(SPLITS)}.')
    return SPLITS[name](beats, seed)


def first_of_each_class(beats: Beats, rows: np.ndarray, count: int) -> np.ndarray:
    """The first ``count`` of ``rows`` of each class (fewer where there are fewer), in ascending order."""
    chosen = [rows[beats.y[rows] == label][:count] for label in range(len(CLASSES))]
    return np.sort(np.concatenate(chosen))


def spread_of_each_class(beats: Beats, rows: np.ndarray, count: int) -> np.ndarray:
    """``count`` of ``rows`` of each class (fewer where there are fewer), evenly spaced from the first to the last.

    Rows go record by record, so each record has its share; the first ones of a class are often of one patient.
    """
    chosen = []
    for label in range(len(CLASSES)):
        own = rows[beats.y[rows] == label]
        number = min(count, len(own))
        chosen.append(own[np.arange(number) * len(own) // max(number, 1)])
    return np.sort(np.concatenate(chosen))


def with_fewer_to_train(beats: Beats, split: Split, per_class: int) -> Split:
    """The same split, but only ``per_class`` training beats of each class, evenly spread; its fingerprint is its own."""
    train = spread_of_each_class(beats, split.train, per_class)
    return _make(split.name, beats, split.seed, train, split.validation, split.test)


def chosen_test_beats(beats: Beats, split: Split, per_class: int | None = None, spread: bool = False) -> np.ndarray:
    """Rows of the test part: all of them, the first ``per_class`` of each class, or as many evenly spread."""
    if per_class is None:
        return split.test
    return (spread_of_each_class if spread else first_of_each_class)(beats, split.test, per_class)


def which_beats(per_class: int | None, spread: bool = False) -> str:
    """What ``chosen_test_beats`` gives, in words."""
    if per_class is None:
        return "full test split"
    if spread:
        return f"up to {per_class} test beats of each class, evenly spread over the records"
    return f"first {per_class} test beats of each class"


def _draw(y: np.ndarray, rows: np.ndarray, counts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """``counts[c]`` of the ``rows`` of each class ``c``, without replacement, in ascending order."""
    drawn = [rng.permutation(rows[y[rows] == label])[:count] for label, count in enumerate(counts)]
    return np.sort(np.concatenate(drawn))


def _proportional(y: NDArray[np.integer], total: int) -> NDArray[np.int64]:
    """How many of each class make ``total`` in the proportions of ``y`` (largest remainders rounded up)."""
    exact = np.bincount(y, minlength=len(CLASSES)) * (total / len(y))
    counts: NDArray[np.int64] = np.floor(exact).astype(np.int64)
    short = total - counts.sum()
    counts[np.argsort(counts - exact, kind="stable")[:short]] += 1
    return counts


def _make(name: str, beats: Beats, seed: int, train: np.ndarray, validation: np.ndarray, test: np.ndarray) -> Split:
    names = beats.names()
    digest = hashlib.sha256(f"{beats.source}/{name}/{seed}".encode())
    for part in (train, validation, test):
        digest.update(b"|" + ",".join(names[part].tolist()).encode())
    return Split(name, seed, train, validation, test, digest.hexdigest()[:12])
