"""One beat under growing noise, signal and all (the paper's Figure 8)."""

from nsr_core.attacks import PGD
from nsr_core.beat.attack import BeatAttack, attack_beat
from nsr_core.data import Beats
from nsr_core.training.checkpoint import Checkpoint

#: The noise levels of the paper's Figure 8.
FIGURE_8_EPS = (0.0, 0.01, 0.03, 0.05, 0.1, 0.2, 0.3)
FIGURE_8_ATTACK = PGD(steps=100)


def noisy_beats(checkpoint: Checkpoint, beats: Beats, row: int) -> tuple[BeatAttack, ...]:
    """One beat under 100-PGD at each noise level of the paper's Figure 8, each attacked alone."""
    # Not sweep_beat, which adds levels around the first flip: the figure has the paper's seven.
    return tuple(attack_beat(checkpoint, FIGURE_8_ATTACK, beats, row, eps) for eps in FIGURE_8_EPS)
