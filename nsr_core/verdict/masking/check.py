"""The masking check: all signs on one network, and what they say together."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from nsr_core.data import CLASSES, Beats, Split
from nsr_core.data.splits import first_of_each_class
from nsr_core.errors import UserError
from nsr_core.evaluation.rows import read_correctly
from nsr_core.models import Network
from nsr_core.progress import Progress, no_progress
from nsr_core.training.checkpoint import Checkpoint, check_split
from nsr_core.verdict.masking.evidence import Evidence
from nsr_core.verdict.masking.sign import LIGHTS, Sign, worst
from nsr_core.verdict.masking.signs import SIGNS

#: Noise levels: one at which most networks of the paper still hold many beats, one at which its defences differ most.
LEVELS = (0.03, 0.1)
PER_CLASS = 20
#: So many times the wanted beats are looked through for ones that are read correctly.
LOOKED_THROUGH = 10
CAVEAT = (
    "Green is no proof of robustness: these attacks found nothing more, others may. Noise on all samples of the beat, "
    "padding included, as published."
)


@dataclass(frozen=True)
class MaskingCheck:
    """What the signs say of one network.

    Attributes:
        light: the worst of theirs.
        verdict: whether 100-PGD as published can be believed, in one sentence.
        reasons: the sentences of the signs that are red, then of those that are amber.
        signs: all of them, in the order of ``SIGNS``.
        beats: how many beats of each class were attacked, all read correctly without noise.
        beats_from: which they were drawn from.
        eps: the noise levels.
        seed: that drew the beats and the attacks' chance.
        checkpoint, weights: the network's name and the digest of its weights; empty for one without.
        caveat: what none of it proves.
    """

    light: str
    verdict: str
    reasons: tuple[str, ...]
    signs: tuple[Sign, ...]
    beats: dict[str, int]
    beats_from: str
    eps: tuple[float, ...]
    seed: int
    checkpoint: str = ""
    weights: str = ""
    caveat: str = CAVEAT

    def sign(self, name: str) -> Sign:
        """The sign of that name."""
        return next(sign for sign in self.signs if sign.name == name)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        result = asdict(self)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in result.items()}


def check_masking(
    checkpoint: Checkpoint,
    beats: Beats,
    split: Split | None,
    *,
    per_class: int = PER_CLASS,
    eps: Sequence[float] = LEVELS,
    seed: int = 0,
    only: Collection[str] | None = None,
    known: MaskingCheck | None = None,
    progress: Progress = no_progress,
) -> MaskingCheck:
    """Look for signs of masking at a checkpoint.

    Args:
        split: the one that the checkpoint was trained on, whose test part is drawn from; None for all ``beats``, which
            then must be of another source.
        per_class: beats of each class, at most.
        eps: noise levels.
        only: names of the signs to look at; by default all.
        known: an earlier check, which the other signs are taken from.

    Raises:
        UserError: another split, or the network reads none of the beats correctly, or see ``check_network``.
    """
    if split is not None:
        check_split(checkpoint, split)
    network = checkpoint.network
    rows = draw_beats(network, beats, np.arange(len(beats)) if split is None else split.test, per_class, seed)
    which = f"{beats.source} beats" if split is None else f"test part of the split by {split.name} {split.fingerprint}"
    return check_network(
        network,
        beats,
        rows,
        eps,
        seed=seed,
        only=only,
        known=known,
        beats_from=which,
        checkpoint=checkpoint.name,
        weights=checkpoint.digest,
        progress=progress,
    )


def draw_beats(
    network: Network, beats: Beats, rows: np.ndarray, per_class: int = PER_CLASS, seed: int = 0
) -> np.ndarray:
    """Up to ``per_class`` of ``rows`` of each class that the network reads correctly, drawn with ``seed``, ascending.

    They are looked for among the first ``LOOKED_THROUGH`` times as many of each class.
    """
    shuffled = np.random.default_rng(seed).permutation(rows)
    candidates = [shuffled[beats.y[shuffled] == label][: LOOKED_THROUGH * per_class] for label in range(len(CLASSES))]
    looked_at = np.concatenate(candidates)
    right = looked_at[read_correctly(network, beats, looked_at)] if len(looked_at) else looked_at
    return first_of_each_class(beats, right, per_class)


def check_network(
    network: Network,
    beats: Beats,
    rows: np.ndarray,
    eps: Sequence[float] = LEVELS,
    *,
    seed: int = 0,
    only: Collection[str] | None = None,
    known: MaskingCheck | None = None,
    beats_from: str = "",
    checkpoint: str = "",
    weights: str = "",
    progress: Progress = no_progress,
) -> MaskingCheck:
    """All signs on the beats of ``rows`` that the network reads correctly.

    Args:
        network: on the CPU, in eval mode.
        only: names of the signs to look at; by default all.
        known: an earlier check of the same weights, beats, noise levels and seed, which the other signs are taken from.
        progress: called with the number of signs, at every step of every attack, so that raising from it stops the work.

    Raises:
        UserError: it reads none of them correctly, or there is no noise level, or no sign of that name, or the other signs are
            not in ``known``, or that is of something else.
    """
    rows = rows[read_correctly(network, beats, rows)] if len(rows) else rows
    if not len(rows):
        raise UserError(
            f"{checkpoint or 'The network'} reads none of the {beats.source} beats correctly that were tried, so no attack "
            "can break one. Give it beats of the source that it was trained on, or more of them."
        )
    if not len(eps):
        raise UserError("No noise level was given; expected at least one, for example 0.1.")
    asked = _asked(only)
    at = 0

    def within(done: int, total: int, what: str) -> None:
        progress(at, len(asked), what)

    seen = Evidence(network, beats, rows, eps, seed, within)
    counts = {label: int((beats.y[rows] == number).sum()) for number, label in enumerate(CLASSES)}
    kept: dict[str, Sign] = {}
    if len(asked) < len(SIGNS):
        kept = _kept_signs(
            known, {"weights": weights, "beats": counts, "beats_from": beats_from, "eps": seen.levels, "seed": seed}
        )
        if missing := [name for name in SIGNS if name not in asked and name not in kept]:
            raise UserError(
                f"The earlier check has no {', '.join(missing)}. Look at these signs too, or at all of them."
            )
    signs = []
    for name, test in SIGNS.items():
        if name not in asked:
            signs.append(kept[name])
            continue
        signs.append(Sign(name, test.title, *test.judge(seen), test.reason))
        at += 1
    progress(len(asked), len(asked), "all signs looked at")
    return MaskingCheck(
        light=worst([sign.light for sign in signs]),
        verdict=conclusion(signs),
        reasons=tuple(sign.sentence for light in LIGHTS[:0:-1] for sign in signs if sign.light == light),
        signs=tuple(signs),
        beats=counts,
        beats_from=beats_from,
        eps=seen.levels,
        seed=seed,
        checkpoint=checkpoint,
        weights=weights,
    )


def _asked(only: Collection[str] | None) -> list[str]:
    """The names of the signs to look at, in the order of ``SIGNS``."""
    if only is None:
        return list(SIGNS)
    if unknown := [name for name in only if name not in SIGNS]:
        raise UserError(f"There is no sign {', '.join(unknown)}. Choose of: {', '.join(SIGNS)}.")
    return [name for name in SIGNS if name in only]


def _kept_signs(known: MaskingCheck | None, wanted: dict[str, Any]) -> dict[str, Sign]:
    """The signs of an earlier check, by name, if it is of what is wanted."""
    if known is None:
        raise UserError("There is no earlier check to take the other signs from. Look at all signs.")
    if other := [name for name, value in wanted.items() if getattr(known, name) != value]:
        raise UserError(f"The earlier check is of another {', '.join(other)}. Look at all signs.")
    return {sign.name: sign for sign in known.signs}


def conclusion(signs: Sequence[Sign]) -> str:
    """What the signs mean for the published number, in one sentence."""
    measured = next(sign for sign in signs if sign.name == "together")
    warning = [sign.title for sign in signs if sign.light != LIGHTS[0]]
    result = {
        "red": "The published number is far too high",
        "amber": "The published number is too high",
        "green": "The published number can be trusted as an upper bound",
    }[measured.light]
    if warning and measured.light == LIGHTS[0]:
        result += f" as far as these attacks go, though not all is well ({', '.join(warning)})"
    return f"{result}: {measured.sentence[0].lower()}{measured.sentence[1:]}"
