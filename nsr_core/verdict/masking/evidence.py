"""What the signs are judged by: each attack carried out once, on the same beats, when it is first asked for."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from nsr_core.attacks import BeatRandomness
from nsr_core.attacks.objectives import margin
from nsr_core.data import Beats
from nsr_core.evaluation.judge import judge
from nsr_core.evaluation.robustness import batch_size
from nsr_core.evaluation.rows import as_tensors
from nsr_core.models import Network
from nsr_core.progress import Progress, no_progress
from nsr_core.verdict.masking.gradients import Gradients, gradients
from nsr_core.verdict.masking.trail import Trail, trail
from nsr_core.verdict.masking.variants import PUBLISHED, VARIANTS, rescaled


class Evidence:
    """A network, some beats that it reads correctly, and what attacks did to them.

    Args:
        network: on the CPU, in eval mode.
        beats: the data.
        rows: which of them; all read correctly.
        levels: noise levels that the signs look at.
        seed: with a beat's row it decides each attack's chance, as in ``attack_beats``.
        progress: called at every step of every attack; raising from it stops the work.
    """

    def __init__(
        self,
        network: Network,
        beats: Beats,
        rows: np.ndarray,
        levels: Sequence[float],
        seed: int = 0,
        progress: Progress = no_progress,
    ) -> None:
        self.network, self.levels, self.progress = network, tuple(sorted(levels)), progress
        self.x, self.y, _ = as_tensors(beats, rows)
        self._rows, self._seed = rows, seed
        self._masks: dict[tuple[str, float], NDArray[np.bool_]] = {}
        self._beyond: dict[tuple[str, float], NDArray[np.bool_]] = {}
        self._trails: dict[float, Trail] = {}
        self._claimed: dict[tuple[str, float], NDArray[np.bool_]] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def broken(self, run: str, eps: float) -> NDArray[np.bool_]:
        """(beats,) bool, which beats a run of ``VARIANTS`` breaks."""
        if (run, eps) not in self._masks:
            self._masks[run, eps] = self._attack(run, eps, np.arange(len(self)))
        return self._masks[run, eps]

    def claimed(self, run: str, eps: float) -> NDArray[np.bool_]:
        """(beats,) bool, which beats a run says that it broke, by the outputs that came with its gradients."""
        self.broken(run, eps)
        return self._claimed[run, eps]

    def left(self, eps: float) -> NDArray[np.bool_]:
        """(beats,) bool, which beats the published attack leaves."""
        return ~self.broken(PUBLISHED, eps)

    def beyond(self, run: str, eps: float) -> NDArray[np.bool_]:
        """(beats,) bool, which beats a run breaks that the published attack leaves; only on those it is carried out."""
        if (run, eps) in self._masks:
            return self._masks[run, eps] & self.left(eps)
        if (run, eps) not in self._beyond:
            found = np.zeros(len(self), bool)
            left = np.flatnonzero(self.left(eps))
            found[left] = self._attack(run, eps, left)
            self._beyond[run, eps] = found
        return self._beyond[run, eps]

    def beyond_any(self, runs: Sequence[str], eps: float) -> NDArray[np.bool_]:
        """(beats,) bool, which beats any of some runs breaks that the published attack leaves."""
        beyond: NDArray[np.bool_] = np.any([self.beyond(run, eps) for run in runs], axis=0)
        return beyond

    def trail(self, eps: float) -> Trail:
        """The published attack, which here goes on after a success."""
        if eps not in self._trails:
            chance = BeatRandomness(self._seed, self._rows)
            self._trails[eps] = trail(self.network, self.x, self.y, eps, chance, self.progress)
        return self._trails[eps]

    @cached_property
    def gradients(self) -> Gradients:
        return gradients(self.network, self.x, self.y)

    @cached_property
    def flat_line(self) -> int:
        """The class of a beat that is 0.5 throughout: at noise 0.5 every beat can be turned into it."""
        with torch.no_grad():
            return int(self.network(torch.full_like(self.x[:1], 0.5)).argmax())

    @cached_property
    def _margins(self) -> torch.Tensor:
        with torch.no_grad():
            return -margin(self.network(self.x), self.y)

    def _attack(self, run: str, eps: float, places: np.ndarray) -> NDArray[np.bool_]:
        """(places,) bool, judged by the network as it is, not rescaled."""
        made = VARIANTS[run]
        network, attack = rescaled(self.network, made.scale, self._margins), made.attack(eps)
        broken = np.zeros(len(places), bool)
        claimed = np.zeros(len(self), bool)
        size = batch_size(self.network.name)
        for first in range(0, len(places), size):
            batch = places[first : first + size]
            x, y = self.x[batch], self.y[batch]
            chance = BeatRandomness(self._seed + made.draws, self._rows[batch])

            def report(done: int, total: int, what: str) -> None:
                self.progress(done, total, f"{run} at {eps:g}, {what}")

            result = attack(network, x, y, eps, randomness=chance, progress=report)
            claimed[batch] = (result.step >= 0).numpy()
            broken[first : first + size] = judge(self.network, x, y, eps, None, result.x_adv).broken.numpy()
        self._claimed[run, eps] = claimed
        return broken
