"""The largest noise level that a bound proves, for a batch of beats at once."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from nsr_core.attacks import Box
from nsr_core.certificates.bounds import Range, sums_at
from nsr_core.certificates.methods import NestedCrown, clean_margins, get_bound
from nsr_core.certificates.stages import Description, stages_of
from nsr_core.progress import Progress, no_progress

#: A margin must be at least this for a proof. The bounds cover the rounding of the logits; this keeps float32
#: probabilities apart too (8 units in the last place of 1), so that argmax reads the same from either.
LEAST_MARGIN = 1e-6
#: What is reported lies below what the bound proves by at most this share of it; the second where sums are local, as in the
#: CNN, each bound of which takes some tenths of a second.
TOLERANCE, LOCAL_TOLERANCE = 1e-3, 3e-2
#: Below the smallest level nothing is proved; at the largest the box is all of [0, 1].
SMALLEST, LARGEST = 1e-6, 1.0
#: The first level, as a share of that at which the margin would end if the network were linear; the second as above.
FIRST, LOCAL_FIRST = 0.3, 0.08
#: What a bound loses of the margin grows with about this power of the noise, below the level at which it ends and above.
FIRST_POWERS = 2.5, 4.0
#: Between two levels that are proved it may grow with more than this power. Then it is taken to grow no slower beyond, which
#: tells that the end is close without a level that is not proved.
STEEP = 1.5
#: Some three to five are needed. From the twelfth on the middle is taken, so that an odd margin cannot hold the search up.
GUESSES, MOST_ROUNDS = 12, 60


def guaranteed_margin(network: nn.Module, x: Tensor, y: Tensor, box: Box, method: str = "crown") -> Tensor:
    """(batch,) float64, a number that true logit minus largest other cannot fall below anywhere in the box.

    It holds for the logits as the network gives them in float32, rounding included.

    Args:
        network: one that is described in ``nsr_core.certificates.stages``, in eval mode.
        x: (batch, 187) beats; only the box around them counts.
        y: (batch,) true classes.
        box: around each beat, see ``Box.around``.
        method: a name in ``BOUNDS``.

    Raises:
        UserError: there is no certificate for the network, or none of that name.
    """
    bound, stages = get_bound(method), stages_of(network)
    with torch.no_grad():
        middle = (box.low.double() + box.high.double()) / 2
        return bound(stages, sums_at(stages, middle), _range(middle, box), y).amin(1)


def certified_eps(
    network: nn.Module,
    x: Tensor,
    y: Tensor,
    *,
    length: Tensor | None = None,
    method: str = "crown",
    progress: Progress = no_progress,
) -> Tensor:
    """(batch,) float64: up to this noise level no noise flips the beat, proved; 0 where it is misread without noise.

    0 also where it is read correctly and nothing is proved. In units of the beat's range; noise that leaves [0, 1] does
    not count. The true limit may lie far above.

    Args:
        network: one that is described in ``nsr_core.certificates.stages``, in eval mode.
        x: (batch, 187) beats in [0, 1].
        y: (batch,) true classes.
        length: (batch,) number of signal samples; given, the padding stays untouched.
        method: a name in ``BOUNDS``.
        progress: called with the number of beats before every level that is tried; raising from it stops the work.

    Raises:
        UserError: there is no certificate for the network, or none of that name.
    """
    bound, stages = get_bound(method), stages_of(network)
    certified = torch.zeros(len(x), dtype=torch.float64)
    with torch.no_grad():
        right = (network(x).argmax(1) == y).nonzero()[:, 0]
        # Which local sums are undecided differs from beat to beat: together, beats would have the units of all.
        one_by_one = stages.is_local and method == "crown"
        for rows in right.split(1 if one_by_one else max(len(right), 1)):
            exact, label = x[rows].double(), y[rows]
            signal = None if length is None else length[rows]
            sums = sums_at(stages, exact)

            by = NestedCrown() if one_by_one else bound

            def margin_at(eps: Tensor, some: Tensor) -> Tensor:
                progress(int(rows[0]), len(x), "proving")  # noqa: B023
                # In float64 the box is not rounded inwards: it holds every float32 beat within eps.
                box = Box.around(exact[some], eps, None if signal is None else signal[some])  # noqa: B023
                return by(stages, [z[some] for z in sums], _range(exact[some], box), label[some]).amin(1)  # noqa: B023

            margin = clean_margins(sums[-1], label).amin(1)
            first = (LOCAL_FIRST if stages.is_local else FIRST) * margin / steepness(network, x[rows], label)
            certified[rows] = largest_proved(margin_at, margin, first, tolerance_of(stages))
    return certified


def tolerance_of(stages: Description) -> float:
    """By what share a level may lie below what the bound proves."""
    return LOCAL_TOLERANCE if stages.is_local else TOLERANCE


def steepness(network: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """(batch,) float64 how fast true logit minus largest other falls at the beats, per noise on all samples."""
    with torch.enable_grad():
        start = x.detach().clone().requires_grad_()
        logits = network(start)
        others = logits.scatter(1, y[:, None], -torch.inf).amax(1)
        (gradient,) = torch.autograd.grad((logits.gather(1, y[:, None])[:, 0] - others).sum(), start)
    return gradient.double().abs().sum(1)


def _range(x: Tensor, box: Box) -> Range:
    return Range(x[..., None], (box.low.double() - x)[..., None], (box.high.double() - x)[..., None])


def largest_proved(
    margin_at: Callable[[Tensor, Tensor], Tensor], margin: Tensor, first: Tensor, tolerance: float = TOLERANCE
) -> Tensor:
    """(batch,) for each beat the largest level tried at which the margin is large enough; 0 where there is none.

    Few levels are tried: what a bound loses of the margin is nearly a power of the noise, so that two levels tell where the
    margin should end (the secant's method on logarithms). Sound whatever the margin does, since only a level that was itself
    proved is returned, and its box holds the boxes of all smaller levels. If the bound does not fall steadily, a larger
    provable level may be missed.

    Args:
        margin_at: (some,) levels and (some,) row numbers to (some,) guaranteed margins.
        margin: (batch,) float64 at the beats.
        first: (batch,) levels to begin with.
        tolerance: how far, as a share, a larger level may have been proved.
    """
    proved, unproved = torch.zeros_like(margin), torch.full_like(margin, torch.inf)
    eps = first.nan_to_num(LARGEST).clamp(10 * SMALLEST, LARGEST)
    near, lost_proved = torch.zeros_like(margin, dtype=torch.bool), torch.full_like(margin, torch.nan)
    before, lost_before = torch.full_like(margin, torch.nan), torch.full_like(margin, torch.nan)
    for number in range(MOST_ROUNDS):
        wide = unproved.clamp_max(LARGEST) - proved > tolerance * unproved.clamp_max(LARGEST)
        rows = (wide & ~near & (unproved > SMALLEST)).nonzero()[:, 0]
        if not len(rows):
            break
        here, left = eps[rows], margin_at(eps[rows], rows) - LEAST_MARGIN
        held = left > 0  # NaN is no proof
        lost = (margin[rows] - left).clamp_min(1e-12)
        steep = (lost / lost_proved[rows]).log() / (here / proved[rows]).log()
        near[rows] = held & (steep > STEEP) & (here > (1 - tolerance) * here * (margin[rows] / lost) ** (1 / steep))
        proved[rows[held]], unproved[rows[~held]], lost_proved[rows[held]] = here[held], here[~held], lost[held]
        growth = ((lost / lost_before[rows]).log() / (here / before[rows]).log()).clamp(0.5, 8)
        power = torch.where(growth.isfinite(), growth, torch.where(held, *FIRST_POWERS))
        before[rows], lost_before[rows] = here, lost
        end = here * (margin[rows] / lost) ** (1 / power)
        if number >= GUESSES:
            end.fill_(torch.nan)
        eps[rows] = _next_level(proved[rows], unproved[rows], end, tolerance)
    return proved


def _next_level(proved: Tensor, unproved: Tensor, end: Tensor, tolerance: float) -> Tensor:
    """Close to where the margin should end, on the side that is not yet close to it; a middle where that is of no use."""
    aimed = end * torch.where(proved < (1 - tolerance / 2) * end, 1 - tolerance / 3, 1 + tolerance / 3)
    middle = torch.where(
        unproved < 4 * proved, (proved + unproved) / 2, (proved.maximum(unproved / 64) * unproved).sqrt()
    )
    inside = (aimed > proved) & (aimed < unproved)
    within = torch.where(inside, aimed, middle)
    least = tolerance / 4 * unproved  # so that each level narrows the bracket
    within = torch.minimum(torch.maximum(within, proved + least), unproved - least)
    further = torch.where(inside, aimed.clamp_max(8 * proved), 4 * proved).clamp(SMALLEST, LARGEST)
    return torch.where(unproved.isinf(), further, within)
