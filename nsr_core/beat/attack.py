"""One attack on one beat in full: what the command line prints and a page draws."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nsr_core.attacks import PGD, SPSA, Attack, AttackResult, BeatRandomness
from nsr_core.attacks.objectives import margin
from nsr_core.beat.nsr import change_of_true_logit, noise_to_signal
from nsr_core.data import CLASSES, Beats
from nsr_core.data.everyday_noise import snr_of_eps
from nsr_core.errors import UserError
from nsr_core.evaluation.judge import judge
from nsr_core.evaluation.rows import as_tensors
from nsr_core.progress import Progress, no_progress
from nsr_core.settings import described_fields
from nsr_core.training.checkpoint import Checkpoint

#: The attacks that the paper reports, with its settings.
PAPER_ATTACKS = (PGD(steps=20), PGD(steps=100), SPSA())
MM_PER_MV = 10  # on ECG paper


@dataclass(frozen=True)
class NoiseLevel:
    """A noise level in the units that people think in.

    Attributes:
        eps: in units of the beat's range.
        mv, mm: in millivolts and in millimetres of ECG paper; NaN where the beat's range in mV is not known.
        least_snr_db: signal-to-noise ratio if every sample took all of the noise; infinite without noise.
    """

    eps: float
    mv: float
    mm: float
    least_snr_db: float


def noise_level(beats: Beats, row: int, eps: float) -> NoiseLevel:
    """What a noise level means on one beat; the SNR is against the variance of its signal samples."""
    return noise_levels(beats, row, [eps])[0]


def noise_levels(beats: Beats, row: int, levels: Sequence[float]) -> list[NoiseLevel]:
    """The same for many levels, in little more time than for one."""
    mv = np.asarray(levels, float) * float(beats.mv_range[row])
    snr_db = snr_of_eps(beats.x[[row]], beats.length[[row]], np.asarray(levels, float))
    numbers = zip(levels, mv.tolist(), (mv * MM_PER_MV).tolist(), snr_db.tolist(), strict=True)
    return [NoiseLevel(*each) for each in numbers]


@dataclass(frozen=True)
class AttackPath:
    """Where an attack went, from its start to its first success or its last step.

    Attributes:
        x_adv: (points, 187) the beat at each of them.
        probabilities: (points, 5) of the classes there.
        loss: (points,) what the attack maximises.
    """

    x_adv: np.ndarray
    probabilities: np.ndarray
    loss: np.ndarray


@dataclass(frozen=True)
class BeatAttack:
    """What an attack did to one beat.

    Attributes:
        checkpoint, weights: the attacked network's name and the digest of its weights.
        beat, source: the beat's name and where it comes from.
        true_class: its class.
        attack, settings: the attack's name and its settings.
        eps, seed, signal_only: noise level, seed, and whether the attack left the padding alone.
        protocol: ``"paper"`` where all that is as the paper reports it, else ``"custom"``.
        x, x_adv: (187,) the beat without and with noise, in [0, 1].
        length: how many of the samples are signal.
        mv_min, mv_range: what 0 is in mV and how many mV 1 is above it; NaN where not known.
        before, after: (5,) class probabilities without and with noise.
        step: the attack's step of first success, -1 where it had none.
        queries: evaluations of the network.
        path: the attack's way there.
        w: (187,) w_y, the gradient of the true class's logit (eq. 2).
        w_l1, z: its L1 norm, and the logit z_y itself.
        bound: R_2 of eq. 9.
        reached_on_line: the ratio of eq. 8 for this noise.
        reached: the change of z_y that really came of it, over |z_y|.
    """

    checkpoint: str
    weights: str
    beat: str
    source: str
    true_class: str
    attack: str
    settings: dict[str, Any]
    eps: float
    seed: int
    signal_only: bool
    protocol: str
    x: np.ndarray
    x_adv: np.ndarray
    length: int
    mv_min: float
    mv_range: float
    before: np.ndarray
    after: np.ndarray
    step: int
    queries: int
    path: AttackPath
    w: np.ndarray
    w_l1: float
    z: float
    bound: float
    reached_on_line: float
    reached: float

    @property
    def class_before(self) -> str:
        return CLASSES[int(self.before.argmax())]

    @property
    def class_after(self) -> str:
        return CLASSES[int(self.after.argmax())]

    @property
    def flipped(self) -> bool:
        """Whether the beat was read correctly without noise and is read wrongly with it."""
        return self.class_before == self.true_class != self.class_after

    @property
    def largest_noise(self) -> float:
        """Largest absolute noise on a sample, in units of the beat's range."""
        return float(np.abs(self.x_adv.astype(np.float64) - self.x).max())

    def to_json(self) -> dict[str, Any]:
        """Plain values; the signals are left out."""
        known = np.isfinite(self.mv_range)
        return {
            **{name: getattr(self, name) for name in ("checkpoint", "weights", "beat", "source", "true_class")},
            **{name: getattr(self, name) for name in ("attack", "settings", "eps", "seed", "signal_only", "protocol")},
            "before": {"class": self.class_before, "probability": round(float(self.before.max()), 4)},
            "after": {"class": self.class_after, "probability": round(float(self.after.max()), 4)},
            "flipped": self.flipped,
            "step_of_first_success": self.step,
            "queries": self.queries,
            "largest_noise": round(self.largest_noise, 6),
            "largest_noise_mv": round(self.largest_noise * self.mv_range, 4) if known else None,
            "noise_to_signal": {
                name: round(getattr(self, name), 4) for name in ("w_l1", "z", "bound", "reached_on_line", "reached")
            },
        }


def attack_beat(
    checkpoint: Checkpoint,
    attack: Attack,
    beats: Beats,
    row: int,
    eps: float,
    *,
    seed: int = 0,
    signal_only: bool = False,
    progress: Progress = no_progress,
) -> BeatAttack:
    """Attack one beat and tell all of it; judged as everywhere: clipped to the budget, predicted again.

    >>> from nsr_core.data import load_beats
    >>> from nsr_core.training.checkpoint import load_checkpoint
    >>> checkpoint = load_checkpoint("checkpoints/mlp-ce")
    >>> result = attack_beat(checkpoint, PGD(steps=100), load_beats("demo"), row=3, eps=0.1)
    >>> result.class_before, result.class_after
    ('V', 'F')

    Args:
        row: the beat's row in ``beats``; with ``seed`` it decides the attack's chance, as in ``attack_beats``.
        eps: noise level in units of the beat's range.
        progress: called at every step of the attack; raising from it stops it.
    """
    network = checkpoint.network
    rows = np.array([row])
    x, y, signal = as_tensors(beats, rows)
    length = signal if signal_only else None
    randomness = BeatRandomness(seed, rows)
    result = attack(network, x, y, eps, length=length, randomness=randomness, record=True, progress=progress)
    judged = judge(network, x, y, eps, length, result.x_adv)
    x_adv = judged.x_adv
    with torch.inference_mode():
        logits = torch.cat([network(x), judged.logits])
    before, after = logits.softmax(1).numpy()
    line = noise_to_signal(network, x, y)
    return BeatAttack(
        checkpoint=checkpoint.name,
        weights=checkpoint.digest,
        beat=beats.name(row),
        source=beats.source,
        true_class=CLASSES[beats.y[row]],
        attack=attack.name,
        settings={name: getattr(attack, name) for name in described_fields(attack)},
        eps=eps,
        seed=seed,
        signal_only=signal_only,
        protocol="paper" if attack in PAPER_ATTACKS and not signal_only else "custom",
        x=beats.x[row],
        x_adv=x_adv[0].numpy(),
        length=int(beats.length[row]),
        mv_min=float(beats.mv_min[row]),
        mv_range=float(beats.mv_range[row]),
        before=before,
        after=after,
        step=int(result.step),
        queries=int(result.queries),
        path=_path(result, torch.cat([x, x_adv]), logits, y),
        w=line.w[0].numpy(),
        w_l1=float(line.w_l1),
        z=float(line.z),
        bound=float(line.bound(eps)),
        reached_on_line=float(line.reached(x_adv - x)),
        reached=float(change_of_true_logit(network, x, y, x_adv)),
    )


def _path(result: AttackResult, ends: Tensor, logits: Tensor, y: Tensor) -> AttackPath:
    """The attack's way; of an attack that keeps none, its two ends with the margin."""
    if result.trajectory is None:
        return AttackPath(ends.numpy(), logits.softmax(1).numpy(), margin(logits, y.expand(2)).numpy())
    end = int(result.step) + 1 if int(result.step) >= 0 else len(result.trajectory.loss)
    logits = result.trajectory.logits[:end, 0]
    return AttackPath(
        result.trajectory.x_adv[:end, 0].numpy(), logits.softmax(1).numpy(), result.trajectory.loss[:end, 0].numpy()
    )


def find_beat(beats: Beats, text: str) -> int:
    """The row of a beat named ``record:sample`` or by its row number.

    Raises:
        UserError: there is no such beat.
    """
    if ":" in text:
        record, _, sample = text.partition(":")
        number = int(sample) if sample.isascii() and sample.isdecimal() and len(sample) < 19 else -1
        rows = np.flatnonzero(beats.sample == number)
        rows = rows[beats.record[rows] == record]
        if len(rows):
            return int(rows[0])
    elif text.isdecimal() and int(text) < len(beats):
        return int(text)
    raise UserError(
        f'There is no beat "{text}" in the {beats.source} beats. Give a row from 0 to {len(beats) - 1:,}, or '
        f"record:sample such as {beats.name(0)}."
    )
