"""The largest noise level that a bound proves, for a batch of beats at once."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from nsr_core.attacks import Box
from nsr_core.certificates.layers import layers_of
from nsr_core.certificates.methods import get_method

#: A margin must be at least this for a proof. The bounds cover the rounding of the logits; this keeps float32
#: probabilities apart too (8 units in the last place of 1), so that argmax reads the same from either.
LEAST_MARGIN = 1e-6
#: What is reported lies below what the bound proves by at most this share of it.
TOLERANCE = 1e-3
#: Levels looked at: the first; below the smallest nothing is proved; at the largest the box is all of [0, 1].
FIRST, SMALLEST, LARGEST = 0.01, 1e-6, 1.0
#: Some eight are needed. From the twelfth on the middle is taken, so that an odd margin cannot hold the search up.
SECANT_ROUNDS, MOST_ROUNDS = 12, 60


def guaranteed_margin(network: nn.Module, x: Tensor, y: Tensor, box: Box, method: str = "crown") -> Tensor:
    """(batch,) float64, a number that true logit minus largest other cannot fall below anywhere in the box.

    It holds for the logits as the network gives them in float32, rounding included.

    Args:
        network: an MLP, in eval mode.
        x: (batch, 187) beats; only the box around them counts.
        y: (batch,) true classes.
        box: around each beat, see ``Box.around``.
        method: a name in ``METHODS``.

    Raises:
        UserError: there is no certificate for the network, or none of that name.
    """
    with torch.no_grad():
        return get_method(method)(layers_of(network), box.low.double(), box.high.double(), y).amin(1)


def certified_eps(
    network: nn.Module, x: Tensor, y: Tensor, *, length: Tensor | None = None, method: str = "crown"
) -> Tensor:
    """(batch,) float64: up to this noise level no noise flips the beat, proved; 0 where it is misread without noise.

    0 also where it is read correctly and nothing is proved. In units of the beat's range; noise that leaves [0, 1] does
    not count. The true limit may lie far above.

    Args:
        network: an MLP, in eval mode.
        x: (batch, 187) beats in [0, 1].
        y: (batch,) true classes.
        length: (batch,) number of signal samples; given, the padding stays untouched.
        method: a name in ``METHODS``.

    Raises:
        UserError: there is no certificate for the network, or none of that name.
    """
    bound, layers = get_method(method), layers_of(network)
    with torch.no_grad():
        right = (network(x).argmax(1) == y).nonzero()[:, 0]
        exact, label = x.double()[right], y[right]
        signal = None if length is None else length[right]

        def margin_at(eps: Tensor, rows: Tensor) -> Tensor:
            # In float64 the box is not rounded inwards: it holds every float32 beat within eps.
            box = Box.around(exact[rows], eps, None if signal is None else signal[rows])
            return bound(layers, box.low, box.high, label[rows]).amin(1)

        certified = exact.new_zeros(len(x))
        certified[right] = largest_proved(margin_at, exact.new_zeros(len(right)))
    return certified


def largest_proved(margin_at: Callable[[Tensor, Tensor], Tensor], zeros: Tensor) -> Tensor:
    """(batch,) for each beat the largest level tried at which the margin is large enough; 0 where there is none.

    Bisection that mostly takes the secant's zero instead of the middle (false position in the Illinois variant), and so
    needs fewer bounds. It is sound whether or not the bound falls steadily with the level, since only a level that was itself
    proved is returned, and its box holds the boxes of all smaller levels. If the bound does not fall steadily, a larger
    provable level may be missed.

    Args:
        margin_at: (some,) levels and (some,) row numbers to (some,) guaranteed margins.
        zeros: (batch,) float64, zeros.
    """
    proved, unproved = zeros.clone(), torch.full_like(zeros, torch.inf)
    above, below = zeros.clone(), zeros.clone()  # margins, less what is needed, at ``proved`` and ``unproved``
    last = zeros.clone()  # 1 where the last level was proved, -1 where not
    eps = torch.full_like(zeros, FIRST)
    for number in range(MOST_ROUNDS):
        wide = unproved.clamp_max(LARGEST) - proved > TOLERANCE * unproved.clamp_max(LARGEST)
        rows = (wide & (unproved > SMALLEST)).nonzero()[:, 0]
        if not len(rows):
            break
        margin = margin_at(eps[rows], rows) - LEAST_MARGIN
        won = margin > 0  # NaN is no proof
        won_rows, lost_rows = rows[won], rows[~won]
        # The end that stays a second time counts half: else it would stay for ever.
        below[won_rows] *= torch.where(last[won_rows] > 0, 0.5, 1.0)
        above[lost_rows] *= torch.where(last[lost_rows] < 0, 0.5, 1.0)
        proved[won_rows], above[won_rows], last[won_rows] = eps[won_rows], margin[won], 1
        unproved[lost_rows], below[lost_rows], last[lost_rows] = eps[lost_rows], margin[~won], -1
        eps = _next_level(proved, unproved, above, below, number < SECANT_ROUNDS)
    return proved


def _next_level(proved: Tensor, unproved: Tensor, above: Tensor, below: Tensor, by_secant: bool) -> Tensor:
    """Four times as far while nothing failed; a geometric mean while the ends are far apart; then the secant's zero."""
    further = (4 * proved).clamp_max(LARGEST)
    between = (torch.maximum(proved, unproved / 16) * unproved).sqrt()
    within = (proved + unproved) / 2
    if by_secant:
        secant = proved + (unproved - proved) * above / (above - below)
        within = torch.where(secant.isfinite(), secant, within)
        least = TOLERANCE / 4 * unproved  # so that each level narrows the bracket
        within = torch.minimum(torch.maximum(within, proved + least), unproved - least)
    return torch.where(unproved.isinf(), further, torch.where(unproved < 4 * proved, within, between))
