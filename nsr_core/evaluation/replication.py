"""The paper's tables, figures and claims beside what the checkpoints here give, whatever protocol those followed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import torch

from nsr_core.attacks import PGD
from nsr_core.data import CLASSES, Beats
from nsr_core.evaluation.evaluate import PAPER_PLAN
from nsr_core.evaluation.nsr import noise_to_signal
from nsr_core.evaluation.paper import paper_tables
from nsr_core.evaluation.report import ATTACK_TITLES
from nsr_core.evaluation.single import BeatAttack, attack_beat
from nsr_core.evaluation.summary import READINGS
from nsr_core.training.checkpoint import Checkpoint
from nsr_core.training.config import TrainConfig, paper_config

#: Which network and attack each of the paper's figures with curves shows; (a) is ACC, (b) is PREC.
CURVE_FIGURES = {
    1: ("mlp", "pgd100"),
    2: ("cnn", "pgd100"),
    4: ("mlp", "pgd20"),
    5: ("cnn", "pgd20"),
    6: ("mlp", "spsa"),
    7: ("cnn", "spsa"),
}
#: The noise levels of the paper's Figure 8.
FIGURE_8_EPS = (0.0, 0.01, 0.03, 0.05, 0.1, 0.2, 0.3)
FIGURE_8_ATTACK = PGD(steps=100)
#: What the reproduction aimed at: the mean distance to these tables, by method.
AIM_TABLES = (1, 5)
_KEYS = ["network", "method", "attack", "metric", "eps"]


def aim(method: str) -> float:
    """The largest mean distance to Tables 1 and 5 that the reproduction aimed at."""
    return 0.06 if method == "loss2" else 0.08


def methods_in_order() -> list[str]:
    """The nine methods, as the paper's tables list them."""
    return list(dict.fromkeys(paper_tables()["method"]))


def table_number(network: str, attack: str, metric: str) -> int:
    """The number of the paper's table for a network, an attack (``pgd20``, ``pgd100``, ``spsa``) and a metric."""
    published = paper_tables()
    chosen = (published["network"] == network) & (published["attack"] == attack) & (published["metric"] == metric)
    return int(published.loc[chosen, "table"].iloc[0])


@dataclass(frozen=True)
class Replica:
    """A checkpoint as it stands beside the paper.

    Attributes:
        name: of its folder.
        digest: of its weights.
        config: the settings of its training.
        card: the whole card.
        summary: of ``summarise``; None where it was not evaluated.
    """

    name: str
    digest: str
    config: TrainConfig
    card: dict[str, Any]
    summary: pd.DataFrame | None

    @classmethod
    def of(cls, checkpoint: Checkpoint, summary: pd.DataFrame | None) -> "Replica":
        return cls(checkpoint.name, checkpoint.digest, checkpoint.config, checkpoint.card, summary)

    @property
    def epochs(self) -> int:
        """How many epochs it was really trained for."""
        return int(self.card["training"].get("epochs", self.config.epochs))

    @property
    def note(self) -> str:
        """What its card says in words."""
        return " ".join(self.card.get("notes", []))

    @cached_property
    def training_departures(self) -> tuple[str, ...]:
        """How its training departs from the paper protocol, in words; empty where it does not."""
        if self.config.protocol == "paper" and self.epochs == self.config.epochs:
            return ()
        ours = self.config.to_json() | {"epochs": self.epochs}
        theirs = paper_config(self.config.network, self.config.method).to_json()
        own, published = ours.pop("method_settings"), theirs.pop("method_settings")
        free = {"seed", "threads", "split_seed"}
        pairs = [(ours, theirs, set(ours) - free), (own, published, set(own))]
        return tuple(
            f"{name.replace('_', ' ')} {mine[name]} instead of {paper[name]}"
            for mine, paper, names in pairs
            for name in mine
            if name in names and mine[name] != paper.get(name)
        )

    def attack_departures(self, attack: str) -> tuple[str, ...]:
        """How its evaluation under ``pgd20``, ``pgd100`` or ``spsa`` departs from the paper protocol, in words."""
        run = _run(attack)
        entry = self.card["results"].get("attacks", {}).get(run, {})
        planned = PAPER_PLAN[run].describe()
        found = []
        if (beats := entry.get("beats", planned["beats"])) != planned["beats"]:
            found.append(f"{beats} instead of the {planned['beats'].removeprefix('the ')}")
        settings = planned["attack"] | entry.get("attack", {})
        found += [
            f"{name.replace('_', ' ')} {value} instead of {planned['attack'].get(name)}"
            for name, value in settings.items()
            if value != planned["attack"].get(name)
        ]
        if entry.get("signal_only", False) != planned["signal_only"]:
            found.append("noise on the signal samples only")
        if entry.get("carry", planned["carry"]) != planned["carry"]:
            found.append("broken beats attacked again" if planned["carry"] else "broken beats not attacked again")
        if missing := sorted(set(planned["eps"]) - set(entry.get("eps", planned["eps"]))):
            found.append(f"not attacked at {', '.join(f'{eps:g}' for eps in missing)}")
        return tuple(found)

    def protocol(self, attack: str) -> str:
        """``"paper"`` where training and evaluation are both by the paper protocol, else ``"custom"``."""
        evaluated = self.card["results"].get("robust", {}).get(attack, {}).get("protocol")
        by_paper = self.config.protocol == "paper" and self.epochs == self.config.epochs and evaluated == "paper"
        return "paper" if by_paper else "custom"


def replication(replicas: Iterable[Replica]) -> pd.DataFrame:
    """All 756 published values, each beside ours where there is one: each noise level alone, as the paper reports.

    Where two checkpoints are of the same network and method, one by the paper protocol goes before, then by name.

    Returns:
        Rows in the paper's order: ``table, metric, network, attack, method, eps, paper, ours, difference`` (ours minus
        paper), ``low, high`` (95 % bootstrap interval of ours over the beats; only for ACC and only where no beat was
        mended, since it is taken of the numbers that mend), ``beats, mended, protocol, departures, epochs, split,
        seed, attack_seed, checkpoint, digest, note``, and ``missing``: why ours is not there, else "".
    """
    published = paper_tables().rename(columns={"value": "paper"})
    chosen: dict[tuple[str, str], Replica] = {}
    for replica in sorted(replicas, key=lambda one: (one.config.protocol != "paper", one.name)):
        chosen.setdefault((replica.config.network, replica.config.method), replica)
    found = [row for replica in chosen.values() if replica.summary is not None for row in _ours(replica)]
    ours = pd.DataFrame(found, columns=[*_KEYS, *_OURS])
    joined = published.merge(ours.astype({"eps": float}), on=_KEYS, how="left")
    for name in ("ours", "low", "high"):
        joined[name] = joined[name].astype(float)
    joined["difference"] = joined["ours"] - joined["paper"]
    cells = zip(joined["ours"], joined["network"], joined["method"], joined["attack"], strict=True)
    joined["missing"] = [
        "" if np.isfinite(ours) else _why_missing(chosen.get((network, method)), attack)
        for ours, network, method, attack in cells
    ]
    words = ["protocol", "departures", "split", "checkpoint", "digest", "note"]
    joined[words] = joined[words].fillna("")
    return joined


_OURS = [
    "ours", "low", "high", "beats", "mended", "protocol", "departures", "epochs", "split", "seed", "attack_seed",
    "checkpoint", "digest", "note",
]  # fmt: skip


def _ours(replica: Replica) -> list[dict[str, Any]]:
    """Our value and its circumstances for each row of the checkpoint's summary and each metric."""
    of_all = {
        "network": replica.config.network,
        "method": replica.config.method,
        "epochs": replica.epochs,
        "split": replica.card["split"]["fingerprint"],
        "seed": replica.config.seed,
        "checkpoint": replica.name,
        "digest": replica.digest,
        "note": replica.note,
    }
    runs = replica.card["results"].get("attacks", {})
    of_attack = {
        attack: of_all
        | {
            "attack": attack,
            "protocol": replica.protocol(attack),
            "departures": "; ".join(replica.training_departures + replica.attack_departures(attack)),
            "attack_seed": runs.get(_run(attack), {}).get("seed"),
        }
        for attack in ATTACK_TITLES
    }
    assert replica.summary is not None
    columns = ["attack", "eps", "beats", "mended", "acc_alone", "prec_alone", "acc_low", "acc_high"]
    found: list[dict[str, Any]] = []
    for attack, eps, beats, mended, acc, prec, *interval in replica.summary[columns].to_numpy(object).tolist():
        if attack in of_attack:
            of_row = of_attack[attack] | {"eps": eps, "beats": beats, "mended": mended}
            low, high = (np.nan, np.nan) if mended else interval
            found.append(of_row | {"metric": "acc", "ours": acc, "low": low, "high": high})
            found.append(of_row | {"metric": "prec", "ours": prec, "low": np.nan, "high": np.nan})
    return found


def _run(attack: str) -> str:
    """The attack that was run for a reported one: 20-PGD and 100-PGD are read from the same run."""
    return READINGS[attack].attack if attack in READINGS else attack


def _why_missing(replica: Replica | None, attack: str) -> str:
    if replica is None:
        return "no checkpoint yet"
    if replica.summary is None:
        return f"{replica.name} is not evaluated yet"
    if attack not in set(replica.summary["attack"]):
        return f"{replica.name} is not evaluated under {attack} yet"
    return f"{replica.name} is not evaluated at this noise level"


def distances(rows: pd.DataFrame) -> pd.DataFrame:
    """The mean absolute difference to each table, by method.

    Args:
        rows: of ``replication``.

    Returns:
        Rows ``table, metric, network, attack, method, distance`` (NaN where ours is missing), ``levels`` (how many noise
        levels it is over), ``mended`` (their sum), ``protocol``; in the paper's order.
    """
    grouped = rows.assign(distance=rows["difference"].abs()).groupby(["table", "method"], sort=False)
    return grouped.agg(
        metric=("metric", "first"),
        network=("network", "first"),
        attack=("attack", "first"),
        distance=("distance", "mean"),
        levels=("distance", "count"),
        mended=("mended", "sum"),
        protocol=("protocol", "first"),
    ).reset_index()


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
class Verdict:
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


def judge(claim: Claim, rows: pd.DataFrame) -> Verdict:
    """Whether a claim holds in the published values and in ours.

    Args:
        rows: of ``replication``.
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
    return Verdict(claim, _against(mine, rivals, "paper"), ours, missing, protocol)


def provenance(rows: pd.DataFrame) -> dict[str, Any]:
    """Where our values in ``rows`` of ``replication`` come from: each fact with all values that it takes, in order.

    Returns:
        ``methods, protocol, split, seed, attack_seed, epochs, beats`` and ``checkpoints``, weight digests by name.
    """
    there = rows[rows["missing"] == ""]
    facts: dict[str, Any] = {"methods": list(dict.fromkeys(there["method"])), "protocol": _distinct(there["protocol"])}
    facts["split"] = _distinct(there["split"])
    for name in ("seed", "attack_seed", "epochs", "beats"):
        facts[name] = [int(value) for value in _distinct(there[name].dropna())]
    return facts | {"checkpoints": dict(zip(there["checkpoint"], there["digest"], strict=True))}


def _distinct(column: pd.Series) -> list[Any]:
    return sorted(set(column))


def outside_aim(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of ``distances`` that lie further from Tables 1 and 5 than the reproduction aimed at."""
    found = distances(rows)
    aimed = found["method"].map(aim)
    return found[found["table"].isin(AIM_TABLES) & (found["distance"].round(4) > aimed)]


def _cells(rows: pd.DataFrame, network: str, attack: str, metric: str, eps: Sequence[float]) -> pd.DataFrame:
    chosen = (rows["network"] == network) & (rows["attack"] == attack) & (rows["metric"] == metric)
    return rows[chosen & rows["eps"].isin(eps)]


def _against(mine: pd.DataFrame, rivals: pd.DataFrame, column: str) -> tuple[Level, ...]:
    levels = []
    for eps, value in zip(mine["eps"], mine[column], strict=True):
        strongest = rivals[rivals["eps"] == eps].sort_values(column, kind="stable").iloc[-1]
        levels.append(Level(float(eps), float(value), str(strongest["method"]), float(strongest[column])))
    return tuple(levels)


@dataclass(frozen=True)
class Alignment:
    """How w_y lies to a beat (the paper's Figure 3): z_y = w_y x + b_y around the beat x (eq. 2).

    Attributes:
        checkpoint, weights: the network's name and the digest of its weights.
        method: how it was trained.
        beat, true_class, read_class: the beat's name, its class and what the network reads.
        x_norm, w_norm: L2 norms of x and of w_y.
        cosine: of the angle between x and w_y.
        z, b: z_y and b_y.
    """

    checkpoint: str
    weights: str
    method: str
    beat: str
    true_class: str
    read_class: str
    x_norm: float
    w_norm: float
    cosine: float
    z: float
    b: float

    @property
    def angle_deg(self) -> float:
        return float(np.degrees(np.arccos(np.clip(self.cosine, -1, 1))))

    @property
    def relative_length(self) -> float:
        """Length of w_y over that of x / (x x), the vector that loss1 pulls it to (eq. 4 with gamma = 1)."""
        return self.w_norm * self.x_norm


def align(checkpoint: Checkpoint, beats: Beats, row: int) -> Alignment:
    """The angle between a beat and the gradient of its true class's logit."""
    x, y = torch.from_numpy(beats.x[row : row + 1]), torch.from_numpy(beats.y[row : row + 1])
    line = noise_to_signal(checkpoint.network, x, y)
    with torch.inference_mode():
        read = int(checkpoint.network(x).argmax())
    x_norm, w_norm = float(x.double().norm()), float(line.w.double().norm())
    along = float((line.w.double() * x.double()).sum())
    return Alignment(
        checkpoint=checkpoint.name,
        weights=checkpoint.digest,
        method=checkpoint.config.method,
        beat=str(beats.names()[row]),
        true_class=CLASSES[beats.y[row]],
        read_class=CLASSES[read],
        x_norm=x_norm,
        w_norm=w_norm,
        # A network that is flat around the beat has no direction; it is not aligned with anything.
        cosine=along / (x_norm * w_norm) if x_norm * w_norm else 0.0,
        z=float(line.z),
        b=float(line.b),
    )


def sample_rows(beats: Beats, per_class: int = 200, seed: int = 0) -> np.ndarray:
    """``per_class`` rows of each class drawn without replacement, fewer where there are fewer; ascending."""
    rng = np.random.default_rng(seed)
    drawn = [rng.permutation(np.flatnonzero(beats.y == label))[:per_class] for label in range(len(CLASSES))]
    return np.sort(np.concatenate(drawn))


def angles_deg(checkpoint: Checkpoint, beats: Beats, rows: np.ndarray) -> np.ndarray:
    """(rows,) the angle between each beat and w_y in degrees; NaN where the network misreads the beat without noise."""
    x, y = torch.from_numpy(beats.x[rows]), torch.from_numpy(beats.y[rows])
    line = noise_to_signal(checkpoint.network, x, y)
    cosine = (line.w * x).sum(1) / (line.w.norm(dim=1) * x.norm(dim=1)).clamp_min(1e-12)
    with torch.inference_mode():
        right = checkpoint.network(x).argmax(1) == y
    return np.where(right.numpy(), np.degrees(np.arccos(cosine.clamp(-1, 1).numpy())), np.nan)


def typical(angles: Sequence[np.ndarray]) -> int:
    """The beat, among those that all networks read correctly, whose angles are together nearest to their medians.

    Args:
        angles: of ``angles_deg``, for each network over the same beats.

    Returns:
        Its place among them; 0 where there is none.
    """
    distance = sum(np.abs(of_one - np.nanmedian(of_one)) for of_one in angles if np.isfinite(of_one).any())
    known = np.isfinite(distance)
    return int(np.argmin(np.where(known, distance, np.inf))) if np.any(known) else 0


def noisy_beats(checkpoint: Checkpoint, beats: Beats, row: int) -> tuple[BeatAttack, ...]:
    """One beat under 100-PGD at each noise level of the paper's Figure 8, each attacked alone."""
    return tuple(attack_beat(checkpoint, FIGURE_8_ATTACK, beats, row, eps) for eps in FIGURE_8_EPS)


@dataclass(frozen=True)
class Deviation:
    """Something that the paper leaves open or that we do otherwise.

    Attributes:
        topic: what it concerns.
        paper, here: what the paper (or its authors' code) does, and what we do.
        why: the reason, and what follows from it.
    """

    topic: str
    paper: str
    here: str
    why: str


DEVIATIONS = (
    Deviation(
        "Which beats test",
        "The published data set does not say how it was split.",
        "Cut anew from the 48 records, with the published class counts and a random split of our own.",
        "The test beats are not the paper's, so small differences may come from the draw alone.",
    ),
    Deviation(
        "Equal classes in testing",
        "Rare classes are repeated until all classes are equally large, then all rows are attacked.",
        "Each distinct beat is attacked once, and each class weighs the same.",
        "A quarter of the work for the same ACC and PREC; they may differ in the fourth decimal.",
    ),
    Deviation(
        "Kernels",
        "The text is silent; the authors' code scales kernels to unit length and restarts dead ones.",
        "As in the code, which leaves out some layers, and the MLP's ce and adv altogether.",
        "Where the text is silent we follow the code.",
    ),
    Deviation(
        "Weight decay",
        "The text is silent; the code shrinks the weights of ce and jacob (and of adv on the CNN) a little at each step.",
        "As in the code.",
        "The published ce row looks like training without it: see the note on ce below.",
    ),
    Deviation(
        "Margin term",
        "Equation 5 sums over all other classes.",
        "Averaged over the pairs that violate the margin.",
        "Follows the authors' code; its size does not depend on how many pairs there are.",
    ),
    Deviation(
        "loss1",
        "Equation 3 drops the bias terms because they are small.",
        "The network has none at all.",
        "Then equation 3 holds exactly.",
    ),
    Deviation(
        "loss2",
        "Equation 9 divides by |z_y|; the text sets ε_max to 1, the code ran 0.4 (MLP) and 0.3 (CNN).",
        "Divides by max(z_y, 0) + 0.01, as in the code; ε_max is 1, as in the text.",
        "Where text and code disagree the text wins; the 0.01 keeps the ratio finite.",
    ),
    Deviation(
        "jacob",
        "Cites a penalty on the Frobenius norm of the Jacobian.",
        "The L1 norm of its rows, as in the code.",
        "The text leaves the form open; the code does not.",
    ),
    Deviation(
        "adv0.2 and adv0.3",
        "Ten training attack steps of 0.01 against noise up to 0.2 and 0.3.",
        "The same.",
        "Ten such steps travel 0.1 at most, so the training attack cannot use its budget.",
    ),
    Deviation(
        "PGD",
        "Equation 12 adds the sign of the gradient; the code feeds that sign to the optimiser Adamax.",
        "As in the code. The plain step is there too, as the attack pgd-sign.",
        "The text does not say how the steps add up; the code does.",
    ),
    Deviation(
        "SPSA",
        "2,048 samples for each gradient estimate; where the attack starts is not said.",
        "1,024 random sign vectors in ± pairs, shared by all beats of a step, from a random start inside the budget.",
        "Each beat's estimate keeps its distribution; the start is that of PGD.",
    ),
    Deviation(
        "More noise, more right",
        "Each noise level stands alone, so a beat that is broken at 0.05 can count as right at 0.1.",
        "The same on this page. Everywhere else such a beat stays broken.",
        "The larger budget contains the smaller; the attack merely missed. Those beats are counted as mended.",
    ),
)
