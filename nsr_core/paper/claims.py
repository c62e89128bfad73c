"""What the paper reads from its figures with curves, and whether it holds in its own tables and in ours."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from nsr_core.paper.published import paper_tables
from nsr_core.paper.report import ATTACK_TITLES

#: Which network and attack each of the paper's figures with curves shows; (a) is ACC, (b) is PREC.
CURVE_FIGURES = {
    1: ("mlp", "pgd100"),
    2: ("cnn", "pgd100"),
    4: ("mlp", "pgd20"),
    5: ("cnn", "pgd20"),
    6: ("mlp", "spsa"),
    7: ("cnn", "spsa"),
}


@dataclass(frozen=True)
class Claim:
    """An ordering that the paper's text reads from one of its figures.

    Attributes:
        figure: the paper's figure.
        metric: ``"acc"`` or ``"prec"``.
        method: said to be at least as good as each of ``over``.
        over: other methods; empty for all eight.
        eps: the noise levels that it is said of.
        than_attack: where the claim is across attacks: the method's own value under this one is the rival. (The paper
            reads its SPSA results as a sign that loss2 does not hide its gradient; this is the test of that reading.)
    """

    figure: int
    metric: str
    method: str
    over: tuple[str, ...]
    eps: tuple[float, ...]
    than_attack: str = ""

    @property
    def text(self) -> str:
        metric, levels = self.metric.upper(), _levels(self.eps)
        if self.than_attack:
            return (
                f"{self.method} does not mislead by its gradient: this attack, which uses none, leaves it at least the "
                f"{metric} that {ATTACK_TITLES[self.than_attack]} leaves, at {levels}"
            )
        if not self.over:
            return f"{self.method} has the best {metric} at {levels}"
        return f"{self.method} is ahead of {' and '.join(self.over)} in {metric} at {levels}"


def _levels(eps: Sequence[float]) -> str:
    """Noise levels in words: three or more neighbours as a range."""
    grid = sorted(paper_tables()["eps"].unique())
    first, last = grid.index(eps[0]), grid.index(eps[-1])
    if len(eps) > 2 and list(eps) == grid[first : last + 1]:
        return f"{eps[0]:g} to {eps[-1]:g}"
    *rest, end = (f"{level:g}" for level in eps)
    return f"{', '.join(rest)} and {end}" if rest else end


_NOISY = (0.01, 0.03, 0.05, 0.1, 0.2, 0.3)
_ADV_SMALL, _ADV_LARGE = (0.01, 0.03, 0.05, 0.1), (0.2, 0.3)
#: What the paper's section 3.1 and appendices B and C say of Figures 1, 2 and 4-7. "In general" is read as "at every
#: noise level" where the published table bears it out, else as far as it does.
CLAIMS = (
    Claim(1, "acc", "loss2", (), _NOISY[1:]),
    Claim(1, "prec", "loss2", (), _NOISY[1:]),
    Claim(1, "acc", "loss1", (), (0.01,)),
    Claim(2, "acc", "loss2", (), _NOISY),
    Claim(2, "prec", "loss2", (), _NOISY),
    Claim(2, "acc", "loss2", ("adv0.2", "adv0.3"), _NOISY),
    Claim(4, "acc", "loss2", (), (0.1,)),
    Claim(4, "prec", "loss2", (), (0.1,)),
    Claim(4, "acc", "adv0.1", ("adv0.2",), _ADV_SMALL),
    Claim(4, "acc", "adv0.2", ("adv0.1",), _ADV_LARGE),
    Claim(4, "acc", "adv0.2", ("adv0.3",), _ADV_SMALL),
    Claim(4, "acc", "adv0.3", ("adv0.2",), _ADV_LARGE),
    Claim(5, "acc", "loss2", (), _ADV_SMALL),
    Claim(5, "prec", "loss2", (), _ADV_SMALL),
    Claim(5, "acc", "adv0.2", ("loss2",), (0.2,)),
    Claim(5, "acc", "adv0.3", ("loss2",), (0.3,)),
    Claim(6, "acc", "jacob", ("loss2",), (0.03, 0.05)),
    Claim(6, "acc", "loss2", ("jacob",), (0.1, 0.2, 0.3)),
    Claim(6, "prec", "loss2", ("jacob",), _NOISY),
    Claim(6, "acc", "adv0.1", ("loss2",), (0.05, 0.1)),
    Claim(6, "acc", "loss2", ("adv0.1",), (0.01, 0.03, 0.2, 0.3)),
    Claim(6, "acc", "loss2", (), _NOISY, than_attack="pgd100"),
    Claim(7, "acc", "loss2", ("jacob",), _NOISY),
    Claim(7, "prec", "loss2", ("jacob",), _NOISY),
    Claim(7, "acc", "adv0.1", ("loss2",), _ADV_SMALL),
    Claim(7, "acc", "adv0.2", ("loss2",), (0.1, 0.2)),
    Claim(7, "acc", "loss2", (), _NOISY, than_attack="pgd100"),
)


@dataclass(frozen=True)
class Level:
    """A claim at one noise level: the method's value and its strongest rival's."""

    eps: float
    value: float
    rival: str
    rival_value: float

    @property
    def holds(self) -> bool:
        """Equal counts as holding: the paper's values are rounded to two decimals."""
        return self.value >= self.rival_value - 1e-9

    @property
    def margin(self) -> float:
        return self.value - self.rival_value


@dataclass(frozen=True)
class ClaimResult:
    """A claim in the paper's own table and in ours.

    Attributes:
        paper, ours: by noise level; ``ours`` is empty where a value that it needs is missing.
        missing: the methods whose values are missing.
        protocol: ``"paper"`` where all of our values are by it, else ``"custom"``.
    """

    claim: Claim
    paper: tuple[Level, ...]
    ours: tuple[Level, ...]
    missing: tuple[str, ...]
    protocol: str

    @property
    def outcome(self) -> str:
        """``"holds"``, ``"partly"``, ``"fails"`` or, where ours is missing, ``"open"``."""
        held = [level.holds for level in self.ours]
        if not held:
            return "open"
        return "holds" if all(held) else "partly" if any(held) else "fails"

    @property
    def decisive(self) -> Level | None:
        """Our level that speaks loudest: the narrowest one of a claim that holds, else the widest miss."""
        return min(self.ours, key=lambda level: level.margin, default=None)


def check_claim(claim: Claim, rows: pd.DataFrame) -> ClaimResult:
    """Whether a claim holds in the published values and in ours.

    Args:
        rows: of ``published_and_ours``.
    """
    network, attack = CURVE_FIGURES[claim.figure]
    mine = _cells(rows, network, attack, claim.metric, claim.eps)
    if claim.than_attack:
        rivals = _cells(rows, network, claim.than_attack, claim.metric, claim.eps)
        rivals = rivals[rivals["method"] == claim.method]
    else:
        rivals = mine[mine["method"].isin(claim.over or set(mine["method"]) - {claim.method})]
    mine = mine[mine["method"] == claim.method]
    needed = pd.concat([mine, rivals])
    missing = tuple(dict.fromkeys(needed.loc[needed["ours"].isna(), "method"]))
    ours = () if missing else _against(mine, rivals, "ours")
    protocol = "paper" if set(needed["protocol"]) == {"paper"} else "custom"
    return ClaimResult(claim, _against(mine, rivals, "paper"), ours, missing, protocol)


def _cells(rows: pd.DataFrame, network: str, attack: str, metric: str, eps: Sequence[float]) -> pd.DataFrame:
    chosen = (rows["network"] == network) & (rows["attack"] == attack) & (rows["metric"] == metric)
    return rows[chosen & rows["eps"].isin(eps)]


def _against(mine: pd.DataFrame, rivals: pd.DataFrame, column: str) -> tuple[Level, ...]:
    levels = []
    for eps, value in zip(mine["eps"], mine[column], strict=True):
        strongest = rivals[rivals["eps"] == eps].sort_values(column, kind="stable").iloc[-1]
        levels.append(Level(float(eps), float(value), str(strongest["method"]), float(strongest[column])))
    return tuple(levels)
