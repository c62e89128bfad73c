"""Branch and bound over ReLU signs: close the bracket of one beat between what is proved and what broke it.

CROWN is loose where a ReLU's input may be positive or negative. Of such a unit each sign is a case of its own, in which the
ReLU is a straight line; where both cases are proved, the whole is. Cases are split again until all are proved, a flip is
found, or time is up. In each case the slopes of the lower lines (alpha-CROWN, Xu et al. 2021) and a price on each sign that
was assumed (beta-CROWN, Wang et al. 2021) are improved by gradient ascent in float32; what counts as proved is then computed
in float64 from what was found: the bound holds for any slopes and prices.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from nsr_core.attacks import Box
from nsr_core.certificates.bounds import Known, Range, sums_at
from nsr_core.certificates.methods import crown
from nsr_core.certificates.operators import Dense
from nsr_core.certificates.search import LEAST_MARGIN
from nsr_core.certificates.stages import Description, stages_of
from nsr_core.errors import UserError
from nsr_core.progress import Progress, no_progress

#: Cases bounded at once.
BATCH = 128
#: Steps of gradient ascent in a new case, and their size.
STEPS, STEP_SIZE = 12, 0.15
#: A bracket whose ends are further apart is first halved.
NEAR = 1.6
#: Cases kept in waiting; more mean that the level is out of reach.
MOST_CASES = 60_000


@dataclass(frozen=True)
class Decision:
    """What is known of a beat afterwards.

    Attributes:
        certified: no noise up to this level flips it, proved.
        broken: a noise of this level flips it; NaN where none is known.
        x_adv: (187,) the beat that does, where it was found here.
        cases: how many cases were bounded.
        seconds: how long it took.
    """

    certified: float
    broken: float
    x_adv: Tensor | None
    cases: int
    seconds: float


def decide(
    network: nn.Module,
    x: Tensor,
    y: int,
    certified: float,
    broken: float,
    *,
    length: int | None = None,
    within: float = 0.05,
    seconds: float = 30.0,
    progress: Progress = no_progress,
) -> Decision:
    """Narrow the bracket of one beat until its ends are within a share of each other, or time is up.

    Args:
        network: linear layers in a chain, with or without ReLU, such as the MLP; in eval mode.
        x: (187,) the beat, which is read correctly.
        y: its class.
        certified: a level that is proved, see ``certified_eps``.
        broken: a level at which an attack flipped it; NaN: none is known, and 1 stands in for it.
        length: number of signal samples; given, the padding stays untouched.
        within: the share.
        seconds: the time limit.
        progress: called with the seconds spent; raising from it stops the work.

    Raises:
        UserError: the network is not such a chain.
    """
    stages = stages_of(network)
    if any(
        source != number - 1 or not isinstance(operator, Dense)
        for number, stage in enumerate(stages)
        for source, operator in stage.terms
    ):
        raise UserError(
            "Branch and bound is for networks of linear layers in a chain, such as the MLP. For others there is CROWN: "
            "leave out decide."
        )
    began, cases, x_adv = time.monotonic(), 0, None
    low, high, unreached = certified, broken if broken == broken else 1.0, torch.inf
    while high > (1 + within) * low and unreached > 1.01 * low and time.monotonic() - began < seconds:
        # The level that would decide comes first where it is near; our attacks end where flips do, mostly. Else one between.
        decisive = high / (1 + 0.9 * within)
        between = (low * min(unreached, high if high > NEAR * low else torch.inf)) ** 0.5
        eps = min(decisive, between)
        search = _Search(network, stages, x, y, eps, length)
        until = began + (seconds + time.monotonic() - began) / 2
        proved = search.run(until, lambda: progress(int(time.monotonic() - began), int(seconds), "seconds"))
        cases += search.cases
        if search.found is not None:
            x_adv = search.found
            high = min(high, float((x_adv.double() - x.double()).abs().max()))
        elif proved:
            low = eps
        else:
            unreached = eps
    found = high if broken == broken or x_adv is not None else torch.nan
    return Decision(low, float(found), x_adv, cases, time.monotonic() - began)


class _Search:
    """Branch and bound at one level."""

    def __init__(
        self, network: nn.Module, stages: Description, x: Tensor, y: int, eps: float, length: int | None
    ) -> None:
        self._network, self._y, self.cases = network, y, 0
        self.found: Tensor | None = None
        exact = x.double()[None]
        box = Box.around(exact, eps, None if length is None else torch.tensor([length]))
        self._box = Box.around(x[None], eps, None if length is None else torch.tensor([length]))
        free = Range(exact[..., None], (box.low - exact)[..., None], (box.high - exact)[..., None])
        with torch.no_grad():
            known = crown(stages, sums_at(stages, exact), free)
        self._chains = {kind: _Chain(known, box, kind) for kind in (torch.float32, torch.float64)}
        classes = known[-1].at.shape[2]
        others = torch.tensor([other for other in range(classes) if other != y])
        eye = torch.eye(classes)
        self._rows = eye[y] - eye[others]  # (classes - 1, classes)

    def run(self, until: float, tick: Callable[[], object]) -> bool:
        """Whether all cases are proved; stops at a flip, in ``found``, and when time is up."""
        units = self._chains[torch.float32].units
        waiting = [
            _Cases(
                torch.arange(len(self._rows)),
                torch.zeros(len(self._rows), units, dtype=torch.int8),
                torch.full((len(self._rows), units), 0.5),
                torch.zeros(len(self._rows), units),
            )
        ]
        steps, count = 4 * STEPS, len(self._rows)
        while waiting:
            tick()
            if time.monotonic() > until or count > MOST_CASES:
                return False
            now = _Cases.joined(waiting)
            now, rest = now.head(BATCH)
            waiting = [rest] if len(rest.other) else []
            bound, score, corner = self._bounded(now, steps)
            self.cases += len(bound)
            steps = STEPS
            flips = self._flips(corner)
            if flips is not None:
                self.found = flips
                return False
            left = now.at((bound <= LEAST_MARGIN).nonzero()[:, 0])
            score = score[bound <= LEAST_MARGIN]
            if len(left.other):
                best, unit = score.max(1)
                if not (best > 0).all():  # a case without units to split, and not proved
                    return False
                waiting.insert(0, left.split(unit))
            count = sum(len(part.other) for part in waiting)
        return True

    def _bounded(self, now: "_Cases", steps: int) -> tuple[Tensor, Tensor, Tensor]:
        """(cases,) float64 bounds, (cases, units) how much a split may help, (cases, 187) where the bound is reached."""
        chain, rows = self._chains[torch.float32], self._rows[now.other]
        alpha, beta = now.alpha.requires_grad_(), now.beta.requires_grad_()
        optimiser = torch.optim.Adam([alpha, beta], lr=STEP_SIZE)
        for _ in range(steps):
            optimiser.zero_grad(set_to_none=True)
            bound, _, _ = chain.bound(rows, now.sign, alpha, beta)
            bound.clamp_max(0.1).sum().neg().backward()
            optimiser.step()
            with torch.no_grad():
                alpha.clamp_(0, 1)
                beta.clamp_(min=0)
        with torch.no_grad():
            now.alpha, now.beta = alpha.detach(), beta.detach()
            return self._chains[torch.float64].bound(rows.double(), now.sign, now.alpha.double(), now.beta.double())

    def _flips(self, corner: Tensor) -> Tensor | None:
        with torch.no_grad():
            x = self._box.clip(corner.float())
            flipped = (self._network(x).argmax(1) != self._y).nonzero()[:, 0]
        return x[flipped[0]] if len(flipped) else None


@dataclass
class _Cases:
    """Cases that wait.

    Attributes:
        other: (cases,) which margin.
        sign: (cases, units) assumed of each unit: 1, -1, or 0 where none is.
        alpha, beta: (cases, units) slopes of lower lines, and prices.
    """

    other: Tensor
    sign: Tensor
    alpha: Tensor
    beta: Tensor

    @classmethod
    def joined(cls, parts: "list[_Cases]") -> "_Cases":
        return (
            parts[0]
            if len(parts) == 1
            else cls(
                *(torch.cat([getattr(part, name) for part in parts]) for name in ("other", "sign", "alpha", "beta"))
            )
        )

    def at(self, rows: Tensor | slice) -> "_Cases":
        return _Cases(self.other[rows], self.sign[rows], self.alpha[rows].detach(), self.beta[rows].detach())

    def head(self, count: int) -> "tuple[_Cases, _Cases]":
        return self.at(slice(count)), self.at(slice(count, None))

    def split(self, unit: Tensor) -> "_Cases":
        """Each case as two, one for each sign of a unit."""
        both = []
        for sign in (1, -1):
            part = self.at(slice(None))
            part.sign = part.sign.scatter(1, unit[:, None], sign)
            both.append(part)
        return _Cases.joined(both)


class _Chain:
    """The network on the box as matrices of one precision, and its bound in many cases at once."""

    def __init__(self, known: list[Known], box: Box, kind: torch.dtype) -> None:
        self._low, self._high = box.low[0].to(kind), box.high[0].to(kind)
        self._layers = []
        self.units = 0
        for now in known:
            ((_, operator),) = now.stage.terms
            weight = cast(Dense, operator).weight.flatten(1).to(kind)
            low, high = ((now.at + end)[0, 0].to(kind) for end in (now.low, now.high))
            place = None
            if now.stage.maximum is not None:
                place = slice(self.units, self.units + len(low))
                self.units += len(low)
            unsure = (low < 0) & (high > 0)
            upper = torch.where(unsure, high / torch.where(unsure, high - low, 1.0), (low >= 0).to(kind))
            self._layers.append(
                (weight, now.stage.bias.to(kind), now.slack[0, 0].to(kind), low, high, unsure, upper, place)
            )

    def bound(self, rows: Tensor, sign: Tensor, alpha: Tensor, beta: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What rows of the logits cannot fall below in each case; how much a split may help; and where it is reached.

        Args:
            rows: (cases, classes).
            sign, alpha, beta: see ``_Cases``.
        """
        total = rows.new_zeros(len(rows))
        score = torch.zeros_like(alpha)
        for weight, bias, slack, low, high, unsure, upper, place in reversed(self._layers):
            if place is not None:
                assumed, price = sign[:, place], beta[:, place]
                on, off = assumed > 0, assumed < 0
                open_ = unsure & ~on & ~off
                up = torch.where(on, 1.0, torch.where(off, 0.0, upper))
                down = torch.where(open_, alpha[:, place], up)
                rises, falls = rows.clamp_min(0), rows.clamp_max(0)
                offset = torch.where(open_, -upper * low, 0.0)
                total = total + (falls * offset).sum(1)
                with torch.no_grad():
                    loss = -falls * offset + rises * torch.minimum(down * -low, (1 - down) * high)
                    score[:, place] = torch.where(open_, loss, 0.0)
                rows = rises * down + falls * up - price * assumed
            total = total + rows @ bias - rows.abs() @ slack
            rows = rows @ weight
        centre, radius = (self._high + self._low) / 2, (self._high - self._low) / 2
        corner = torch.where(rows > 0, self._low, self._high)
        return total + rows @ centre - rows.abs() @ radius, score, corner
