"""Linear forms of a stage's values, a row each: what bounds carry backwards through a network."""

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional

#: Unit roundoff of float32, in which networks are evaluated (one in float64 rounds less).
UNIT_ROUNDOFF = 2.0**-24
#: Roundings granted to a sum beyond its terms: for the bias, and for the element-wise arithmetic around it.
SPARE_ROUNDINGS = 16


def roundoff(terms: int) -> float:
    """Relative error of a float32 sum of products.

    A sum of n products and a bias, in whatever order and with or without fused multiply-add, is off by at most
    g (sum of their sizes) with g = k u / (1 - k u), k = n + 1 and u the unit roundoff (Higham 2002, section 3.1). Here k is
    n + ``SPARE_ROUNDINGS``.
    """
    k = (terms + SPARE_ROUNDINGS) * UNIT_ROUNDOFF
    return k / (1 - k)


@dataclass(frozen=True)
class Rows:
    """Rows of coefficients of a stage's (batch, length, channels) values, float32.

    Of a convolution's values most forms see only a few neighbours, so the coefficients are those of a window of positions.

    Attributes:
        coefficients: (batch, rows, width, channels); a batch of 1 stands for any.
        start: the window's first position.
    """

    coefficients: Tensor
    start: int = 0

    def within(self, values: Tensor) -> Tensor:
        """(batch, width, channels) the values in the window."""
        return values[:, self.start : self.start + self.coefficients.shape[2]]

    def cut(self, length: int) -> "Rows":
        """The rows without what juts out of ``length`` positions."""
        kept = slice(max(-self.start, 0), length - self.start)
        return Rows(self.coefficients[:, :, kept], max(self.start, 0))

    def plus(self, other: "Rows") -> "Rows":
        """The sum of two forms of the same stage's values, row by row."""
        narrow, wide = sorted((self, other), key=lambda rows: rows.coefficients.shape[2])
        before, width = narrow.start - wide.start, narrow.coefficients.shape[2]
        after = wide.coefficients.shape[2] - before - width
        if min(before, after) < 0:
            spare = max(-before, 0), max(-after, 0)
            padded = functional.pad(wide.coefficients, (0, 0, *spare))
            return narrow.plus(Rows(padded, wide.start - spare[0]))
        batch = max(len(narrow.coefficients), len(wide.coefficients))
        total = wide.coefficients.expand(batch, -1, -1, -1).clone()
        total[:, :, before : before + width] += narrow.coefficients
        return Rows(total, wide.start)


def total(coefficients: Tensor, sizes: Tensor) -> Tensor:
    """(batch, rows) float64 sums of (batch, rows, width, channels) sizes times (batch, width, channels), from above.

    All of one sign, so that their sum is off by a small share of itself, which is added.
    """
    flat, sizes = coefficients.flatten(2), sizes.float().flatten(1)
    sums = sizes @ flat[0].T if len(flat) == 1 else (flat @ sizes[..., None])[..., 0]
    return sums.double() * (1 + roundoff(flat.shape[2]))
