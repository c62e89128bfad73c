"""What the Learn page shows: small computations on one beat and one MLP, each a step of the lesson.

Noise is kept to the signal samples and to [0, 1], as an electrode would see it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from nsr_core.attacks import PGD, SPSA, Attack, BeatRandomness, Box
from nsr_core.attacks.objectives import cross_entropy, margin, slope
from nsr_core.data import CLASSES, Beats
from nsr_core.errors import UserError
from nsr_core.evaluation.metrics import accuracy, confusion
from nsr_core.evaluation.nsr import noise_to_signal
from nsr_core.evaluation.robustness import PAPER_EPS, attack_beats
from nsr_core.evaluation.table import outcomes
from nsr_core.methods.terms import true_logit
from nsr_core.models import MLP, Network
from nsr_core.models.vjp import input_vjp

#: The lesson's PGD: eq. 12 from the beat itself, steps of a tenth of the budget.
PGD_STEPS = 20
STEPS_PER_BUDGET = 10
DRAWS = 200
#: Levels at which one beat is tried, and the level where none of them flips it.
FINE_LEVELS = np.round(np.arange(0.002, 0.2001, 0.002), 3)
FALLBACK_EPS = 0.1
#: Where a beat that shows the point is looked for.
SEARCH_LEVELS = (0.03, 0.04, 0.05, 0.06)
SEARCH_BEATS = 200
#: How far the straight line is followed.
LINE_EPS = 0.2
LINE_POINTS = 161
#: No level above it is tried for a certificate; halvings of that range.
CERTIFIED_MOST = 0.3
HALVINGS = 30
#: At which levels attacks look for a flip in the last step, and its SPSA, an eighth of the published evaluations.
FLIP_LEVELS = np.round(np.geomspace(0.01, 0.3, 11), 3)
SHORT_SPSA = SPSA(steps=30, samples=256)
#: Steps after which the published PGD is read.
READ_AFTER = (1, 5, 20, 100)


def lesson_pgd(eps: float) -> PGD:
    """The lesson's PGD as an attack, which stops where the reading flips."""
    return PGD(steps=PGD_STEPS, step_size=eps / STEPS_PER_BUDGET, move="sign", random_start=False)


def _at(beats: Beats, rows: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
    """x, y and length of some beats as tensors."""
    return (
        torch.from_numpy(beats.x[rows]),
        torch.from_numpy(beats.y[rows]),
        torch.from_numpy(beats.length[rows].astype(np.int64)),
    )


# Choosing the beat and its noise level


@dataclass(frozen=True)
class Tries:
    """FGSM and PGD at several noise levels on the same beats.

    Attributes:
        fgsm_flips, pgd_flips: (n,) bool, whether the attack ends, or for PGD passes, outside the right class.
        fgsm_loss, pgd_loss: (n,) cross-entropy at the attack's last point.
    """

    fgsm_flips: np.ndarray
    pgd_flips: np.ndarray
    fgsm_loss: np.ndarray
    pgd_loss: np.ndarray


def climb(network: nn.Module, x: Tensor, y: Tensor, box: Box, steps: int = PGD_STEPS) -> Tensor:
    """(steps + 1, batch, 187) the points of PGD (eq. 12), which here goes on after the reading has flipped.

    Args:
        box: its eps decides the step, a tenth of it.
    """
    points = [x]
    for _ in range(steps):
        logits, pull_back = input_vjp(network, points[-1])
        ascent = pull_back(slope(cross_entropy, logits, y))
        points.append(box.clip(points[-1] + box.eps / STEPS_PER_BUDGET * ascent.sign()))
    return torch.stack(points)


def fgsm_point(network: nn.Module, x: Tensor, y: Tensor, box: Box) -> Tensor:
    """(batch, 187) where FGSM ends: every sample moved by all of eps along the sign of the loss's gradient."""
    logits, pull_back = input_vjp(network, x)
    return box.clip(x + box.eps * pull_back(slope(cross_entropy, logits, y)).sign())


def _try(network: Network, beats: Beats, rows: np.ndarray, levels: np.ndarray) -> Tries:
    """Both attacks on each row at its own level."""
    x, y, length = _at(beats, rows)
    box = Box.around(x, torch.from_numpy(levels), length)
    with torch.no_grad():
        fgsm = network(fgsm_point(network, x, y, box))
        points = climb(network, x, y, box)
        logits = network(points.flatten(0, 1)).view(*points.shape[:2], -1)
        flips = (logits.argmax(2) != y).any(0)
        return Tries(
            (fgsm.argmax(1) != y).numpy(),
            flips.numpy(),
            cross_entropy(fgsm, y).numpy(),
            cross_entropy(logits[-1], y).numpy(),
        )


def find_teaching_beat(network: Network, beats: Beats, rows: np.ndarray, seed: int = 0) -> int | None:
    """The beat that shows best what many small steps gain: read correctly, flipped by PGD, not by FGSM.

    Up to 200 beats, drawn with ``seed``, are tried at four small noise levels; the beat whose loss PGD raises most above
    FGSM's is taken. None where no beat is like that.

    Args:
        rows: the beats to look among.
    """
    drawn = np.random.default_rng(seed).permutation(rows)[:SEARCH_BEATS]
    drawn = drawn[_read_correctly(network, beats, drawn)]
    if not len(drawn):
        return None
    tried, levels = np.tile(drawn, len(SEARCH_LEVELS)), np.repeat(SEARCH_LEVELS, len(drawn))
    found = _try(network, beats, tried, levels)
    gain = np.where(found.pgd_flips & ~found.fgsm_flips, found.pgd_loss - found.fgsm_loss, -np.inf)
    return int(tried[gain.argmax()]) if np.isfinite(gain).any() else None


def _read_correctly(network: Network, beats: Beats, rows: np.ndarray) -> np.ndarray:
    x, y, _ = _at(beats, rows)
    with torch.no_grad():
        return (network(x).argmax(1) == y).numpy()


def is_read_correctly(network: Network, beats: Beats, row: int) -> bool:
    """Whether the network reads a beat correctly without noise."""
    return bool(_read_correctly(network, beats, np.array([row]))[0])


def lesson_eps(network: Network, beats: Beats, row: int) -> float:
    """The noise level at which a beat is shown: PGD flips it there and, where there is such a level, FGSM does not.

    The middle of the first such range of levels, but at most half as much again as where the range begins; else the first
    level at which PGD flips it; 0.1 where none does.
    """
    found = _try(network, beats, np.full(len(FINE_LEVELS), row), FINE_LEVELS)
    only_pgd = found.pgd_flips & ~found.fgsm_flips
    if only_pgd.any():
        first = int(only_pgd.argmax())
        after = only_pgd[first:]
        count = len(after) if after.all() else int(after.argmin())
        middle = min(FINE_LEVELS[first + (count - 1) // 2], 1.5 * FINE_LEVELS[first])
        return float(FINE_LEVELS[np.flatnonzero(middle + 1e-9 >= FINE_LEVELS)[-1]])
    return float(FINE_LEVELS[found.pgd_flips.argmax()]) if found.pgd_flips.any() else FALLBACK_EPS


def smallest_flip(network: Network, beats: Beats, row: int, attack: Attack, seed: int = 0) -> float:
    """The smallest of the levels at which an attack on the signal samples flips a beat; NaN where it does at none."""
    rows = np.full(len(FLIP_LEVELS), row)
    x, y, length = _at(beats, rows)
    levels = torch.from_numpy(FLIP_LEVELS)
    step = attack(network, x, y, levels, length=length, randomness=BeatRandomness(seed, rows)).step.numpy()
    return float(FLIP_LEVELS[(step >= 0).argmax()]) if (step >= 0).any() else float("nan")


# Step 1: chance against choice


@dataclass(frozen=True)
class AgainstChance:
    """A beat under noise whose signs a coin chose, and under noise that PGD chose, both of the same size.

    Attributes:
        x_coin: (draws, 187) beats with coin noise: every signal sample moved by all of eps, up or down.
        coin_margin: (draws,) right logit minus the largest other; below 0 the reading has flipped.
        x_chosen: (187,) where the lesson's PGD ends, which goes on after the flip.
        clean_margin, attack_margin: the same without noise and there.
        coin_class, attack_class: what is read after each draw, and after PGD.
        coin_spread: eps ||w_y||_2 over the signal, the standard deviation of w_y e under coin noise that nothing clips.
        chosen_most: eps ||w_y||_1 over the signal, the largest w_y e of any noise of that size.
    """

    x_coin: np.ndarray
    coin_margin: np.ndarray
    x_chosen: np.ndarray
    clean_margin: float
    attack_margin: float
    coin_class: np.ndarray
    attack_class: str
    coin_spread: float
    chosen_most: float

    @property
    def flips(self) -> int:
        """How many of the draws flipped the reading."""
        return int((self.coin_margin < 0).sum())


def against_chance(network: Network, beats: Beats, row: int, eps: float, seed: int = 0) -> AgainstChance:
    """200 times coin noise on a beat, once PGD, at the same noise level."""
    x, y, length = _at(beats, np.full(DRAWS, row))
    box = Box.around(x, eps, length)
    signs = torch.from_numpy(np.random.default_rng(seed).choice(np.array([-1, 1], np.float32), x.shape))
    x_coin = box.clip(x + eps * signs)
    x_chosen = climb(network, x[:1], y[:1], box.at(torch.tensor([0])))[-1]
    w = noise_to_signal(network, x[:1], y[:1]).w[0, : int(length[0])]
    with torch.no_grad():
        coin, chosen, clean = network(x_coin), network(x_chosen), network(x[:1])
    return AgainstChance(
        x_coin.numpy(),
        -margin(coin, y).numpy(),
        x_chosen[0].numpy(),
        -float(margin(clean, y[:1])),
        -float(margin(chosen, y[:1])),
        np.array(CLASSES)[coin.argmax(1).numpy()],
        CLASSES[int(chosen.argmax())],
        eps * float(w.norm()),
        eps * float(w.abs().sum()),
    )


# Step 2: from FGSM to PGD


@dataclass(frozen=True)
class Climbs:
    """The loss on the way of one big step and of many small ones.

    Attributes:
        fgsm_loss: (11,) cross-entropy on the straight way from the beat to FGSM's point, in tenths of it.
        pgd_loss: (21,) cross-entropy after each step of PGD, a tenth of the budget each.
        fgsm_class, pgd_class: what is read at the end of each.
    """

    fgsm_loss: np.ndarray
    pgd_loss: np.ndarray
    fgsm_class: str
    pgd_class: str


def climbs(network: Network, beats: Beats, row: int, eps: float) -> Climbs:
    """Both ways from a beat, at the same noise level."""
    x, y, length = _at(beats, np.array([row]))
    box = Box.around(x, eps, length)
    share = torch.linspace(0, 1, STEPS_PER_BUDGET + 1)[:, None]
    straight = x + share * (fgsm_point(network, x, y, box) - x)
    with torch.no_grad():
        fgsm, pgd = network(straight), network(climb(network, x, y, box)[:, 0])
    return Climbs(
        cross_entropy(fgsm, y.expand(len(fgsm))).numpy(),
        cross_entropy(pgd, y.expand(len(pgd))).numpy(),
        CLASSES[int(fgsm[-1].argmax())],
        CLASSES[int(pgd[-1].argmax())],
    )


# Step 3: the straight line


@dataclass(frozen=True)
class StraightLine:
    """The right class's logit on the straight way from a beat to FGSM's point at noise level 0.2.

    Attributes:
        eps: (points,) largest absolute noise on a sample.
        z: (points,) z_y as the network gives it.
        line: (points,) z_y + w_y e (eq. 7).
        switched: (points,) units that are on where they were off at the beat, or off where they were on.
        units: how many there are.
        first_switch: the noise at which the first unit switches, worked out exactly; infinite where none does.
    """

    eps: np.ndarray
    z: np.ndarray
    line: np.ndarray
    switched: np.ndarray
    units: int
    first_switch: float


def _layers(network: nn.Module) -> list[nn.Linear]:
    """The five layers of an MLP; a ReLU follows the first three.

    Raises:
        UserError: not an MLP.
    """
    layers: Any = getattr(network, "layers", None)
    if getattr(network, "name", None) != MLP.name or layers is None:
        raise UserError(f"The lesson looks into the units of an MLP, not of a {type(network).__name__}. Choose an MLP.")
    return list(layers)


def units_on(network: nn.Module, x: Tensor) -> Tensor:
    """(batch, 384) which of an MLP's ReLU units are on."""
    on = []
    with torch.no_grad():
        for layer in _layers(network)[:3]:
            x = layer(x)
            on.append(x > 0)
            x = x.relu()
    return torch.cat(on, 1)


def first_switch(network: nn.Module, x: Tensor, direction: Tensor) -> float:
    """The smallest t > 0 at which a unit switches on the way x + t direction; infinite where none does.

    Up to there every unit's input is a + t s with the a and the slope s that it has at x.

    Args:
        x, direction: (1, 187).
    """
    nearest = np.inf
    value, change = x.double(), direction.double()
    with torch.no_grad():
        for layer in _layers(network)[:3]:
            weight, bias = layer.weight.double(), layer.bias
            value, change = value @ weight.T, change @ weight.T
            if bias is not None:
                value = value + bias.double()
            at = -value / change
            at = at[torch.isfinite(at) & (at > 0)]
            nearest = min(nearest, float(at.min()) if len(at) else np.inf)
            on = value > 0
            value, change = value * on, change * on
    return nearest


def straight_line(network: Network, beats: Beats, row: int, eps_most: float = LINE_EPS) -> StraightLine:
    """A network's z_y beside the straight line that it is at the beat (eq. 2, 6 and 7)."""
    x, y, length = _at(beats, np.array([row]))
    direction = (fgsm_point(network, x, y, Box.around(x, eps_most, length)) - x) / eps_most
    size = float(direction.abs().max())
    eps = torch.linspace(0, eps_most, LINE_POINTS)[:, None]
    here = noise_to_signal(network, x, y)
    points = x + eps * direction
    with torch.no_grad():
        z = true_logit(network(points), y.expand(len(points)))
    on = units_on(network, points)
    first = first_switch(network, x, direction)
    return StraightLine(
        eps[:, 0].numpy() * size,
        z.numpy(),
        (here.z + (here.w * (eps * direction)).sum(1)).numpy(),
        (on != on[:1]).sum(1).numpy(),
        on.shape[1],
        first * size if first <= eps_most else np.inf,
    )


# Step 4: noise to signal


@dataclass(frozen=True)
class Ratios:
    """The noise-to-signal ratio of one beat at one noise level (eq. 2 and 7-10).

    Attributes:
        eps: the noise level.
        z, b, w_l1: z_y, b_y and the L1 norm of w_y.
        w: (187,) w_y.
        w_noise: w_y e for FGSM's noise e.
        z_real: z_y where FGSM ends.
        bound: R_2 of eq. 9.
        allowed: the largest ratio on the line within the budget: the noise stays on the signal and within [0, 1].
        fgsm_line, fgsm_real, pgd_real: the ratio that FGSM's noise has on the line, and what FGSM and PGD really reach.
    """

    eps: float
    z: float
    b: float
    w_l1: float
    w: np.ndarray
    w_noise: float
    z_real: float
    bound: float
    allowed: float
    fgsm_line: float
    fgsm_real: float
    pgd_real: float

    @property
    def eps_at_one(self) -> float:
        """The noise level at which R_2 is 1."""
        return self.eps / self.bound

    @property
    def penalty(self) -> float:
        """log(1 + R_2) with eps_max = 1, what eq. 10 adds to the loss."""
        return float(np.log1p(self.bound / self.eps))


def ratios(network: Network, beats: Beats, row: int, eps: float) -> Ratios:
    """The ratio's parts with a beat's own numbers."""
    x, y, length = _at(beats, np.array([row]))
    box = Box.around(x, eps, length)
    here = noise_to_signal(network, x, y)
    noise = fgsm_point(network, x, y, box) - x
    up, down = (here.w * (box.high - x)), (here.w * (box.low - x))
    most = torch.maximum(torch.maximum(up, down).sum(), -torch.minimum(up, down).sum())
    with torch.no_grad():
        z_fgsm, z_pgd = (float(true_logit(network(at), y)) for at in (x + noise, climb(network, x, y, box)[-1]))
    z = float(here.z)
    return Ratios(
        eps=eps,
        z=z,
        b=float(here.b),
        w_l1=float(here.w_l1),
        w=here.w[0].numpy(),
        w_noise=float((here.w * noise).sum()),
        z_real=z_fgsm,
        bound=float(here.bound(eps)),
        allowed=float(most) / abs(z),
        fgsm_line=float(here.reached(noise)),
        fgsm_real=abs(z_fgsm - z) / abs(z),
        pgd_real=abs(z_pgd - z) / abs(z),
    )


# Step 5: what loss1 and loss2 train


@dataclass(frozen=True)
class Alignment:
    """w_y beside the beat (Figure 3).

    Attributes:
        w: (187,) w_y.
        angle_deg: between w_y and the beat, from 0 to 180.
        w_l2, x_l2: their lengths.
    """

    w: np.ndarray
    angle_deg: float
    w_l2: float
    x_l2: float


def alignment(network: Network, beats: Beats, row: int) -> Alignment:
    """The angle between a beat and the network's w_y there."""
    x, y, _ = _at(beats, np.array([row]))
    w, x = noise_to_signal(network, x, y).w[0].double(), x[0].double()
    cosine = float((w @ x) / (w.norm() * x.norm()).clamp_min(1e-300))
    return Alignment(
        w.float().numpy(), float(np.degrees(np.arccos(np.clip(cosine, -1, 1)))), float(w.norm()), float(x.norm())
    )


def median_ratio(network: Network, beats: Beats, rows: np.ndarray) -> float:
    """The median of R_2 / eps = ||w_y||_1 / |z_y| over those of the beats that are read correctly; NaN without any."""
    kept = rows[_read_correctly(network, beats, rows)]
    if not len(kept):
        return float("nan")
    x, y, _ = _at(beats, kept)
    return float(noise_to_signal(network, x, y).bound(1.0).median())


# Step 6: adversarial training


def accuracies(
    network: Network,
    beats: Beats,
    rows: np.ndarray,
    attack: Attack,
    eps_grid: Sequence[float] = PAPER_EPS,
    *,
    signal_only: bool = False,
    seed: int = 0,
) -> np.ndarray:
    """(1 + levels,) ACC without noise and under an attack, each level alone, as the paper reports it."""
    table = attack_beats(network, beats, rows, attack, attack.name, eps_grid, seed=seed, signal_only=signal_only)
    result = outcomes(table, attack.name)
    levels = [level for _, level in result.groupby("eps")]
    predictions = [levels[0]["clean"], *(level["pred_alone"] for level in levels)]
    y = levels[0]["y"].to_numpy()
    return np.array([float(accuracy(confusion(y, prediction.to_numpy()))) for prediction in predictions])


# Step 7: what an attack that fails does not prove


@dataclass(frozen=True)
class Survivors:
    """How many of the same beats are still read correctly under each of several attacks, at one noise level.

    Attributes:
        attacks: their names: ``pgd1``, ... for PGD read after so many steps, ``spsa``, ``all`` where none may succeed.
        left: (attacks,) how many beats are read correctly.
        beats: how many were tried.
    """

    attacks: tuple[str, ...]
    left: np.ndarray
    beats: int


def survivors(table: pd.DataFrame, eps: float) -> Survivors:
    """PGD and SPSA on the beats that both attacked; a beat broken at a smaller noise level stays broken.

    Args:
        table: a checkpoint's per-beat table.

    Raises:
        UserError: it lacks one of the attacks, or the noise level.
    """
    names = ["record", "sample"]
    tried = table.loc[table["attack"] == SPSA.name, names].drop_duplicates()
    mine = table.merge(tried, on=names)
    readings = {f"pgd{steps}": outcomes(mine, PGD.name, steps) for steps in READ_AFTER} | {
        SPSA.name: outcomes(mine, SPSA.name)
    }
    broken = {}
    for name, result in readings.items():
        level = result[result["eps"] == eps]
        if level.empty:
            raise UserError(
                f"There are no results at noise level {eps:g}; there are at {sorted(result['eps'].unique())}."
            )
        broken[name] = level.sort_values(names)["broken"].to_numpy()
    last = f"pgd{READ_AFTER[-1]}"
    broken["all"] = broken[last] | broken[SPSA.name]
    return Survivors(tuple(broken), np.array([int((~value).sum()) for value in broken.values()]), len(tried))


def guaranteed_margin(network: nn.Module, x: Tensor, y: Tensor, box: Box) -> Tensor:
    """(batch,) a number that right logit minus largest other cannot fall below anywhere in the box.

    Interval bounds: each unit's range is followed through the layers as if the units of a layer moved freely, so the
    true minimum may lie far above. The layers after the last ReLU are taken as the one linear map that they are.
    """
    *rectified, narrow, last = _layers(network)
    low, high = box.low.double(), box.high.double()
    with torch.no_grad():
        for layer in rectified:
            centre, radius = _through(layer, (high + low) / 2, (high - low) / 2)
            low, high = (centre - radius).relu(), (centre + radius).relu()
        weight = last.weight.double() @ narrow.weight.double()
        centre, radius = (high + low) / 2, (high - low) / 2
        inner, _ = _through(narrow, centre, torch.zeros_like(radius))
        logits, _ = _through(last, inner, torch.zeros_like(inner))
        difference = weight[y][:, None] - weight  # (batch, classes, 128): right class minus each
        gaps = true_logit(logits, y)[:, None] - logits - (difference.abs() * radius[:, None]).sum(2)
        return gaps.scatter(1, y[:, None], torch.inf).amin(1)


def _through(layer: nn.Linear, centre: Tensor, radius: Tensor) -> tuple[Tensor, Tensor]:
    """Centres and half-widths of a layer's outputs, in double precision."""
    weight = layer.weight.double()
    moved = centre @ weight.T
    return moved if layer.bias is None else moved + layer.bias.double(), radius @ weight.abs().T


def certified_eps(network: nn.Module, beats: Beats, row: int) -> float:
    """A noise level up to which no noise on the signal samples flips a beat, proved by interval bounds; 0 without proof."""
    x, y, length = _at(beats, np.array([row]))
    low, high = 0.0, CERTIFIED_MOST
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        proved = float(guaranteed_margin(network, x, y, Box.around(x, middle, length))) > 0
        low, high = (middle, high) if proved else (low, middle)
    return low


@dataclass(frozen=True)
class Knowledge:
    """What is known of one network on one beat.

    Attributes:
        proved: no noise up to this level flips it; 0 where nothing is proved or the beat is misread without noise.
        pgd, spsa: the smallest level tried at which the attack flips it; NaN where it does at none.
    """

    proved: float
    pgd: float
    spsa: float

    @property
    def broken(self) -> float:
        """The smallest level at which either attack flips the beat; NaN where none does."""
        return float(np.fmin(self.pgd, self.spsa))


def knowledge(network: Network, beats: Beats, row: int) -> Knowledge:
    """Certificate and smallest successful attacks, 100-PGD and a short SPSA, on one beat."""
    if not is_read_correctly(network, beats, row):
        return Knowledge(0.0, 0.0, 0.0)
    pgd, spsa = (smallest_flip(network, beats, row, attack) for attack in (PGD(), SHORT_SPSA))
    return Knowledge(certified_eps(network, beats, row), pgd, spsa)
