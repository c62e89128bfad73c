"""The weight β of loss1, loss2 and jacob, chosen on validation beats as the paper says it was."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from nsr_core.attacks import PGD
from nsr_core.compute import describe_machine
from nsr_core.data.splits import spread_of_each_class
from nsr_core.errors import UserError
from nsr_core.evaluation.assignment import Assignment
from nsr_core.evaluation.robustness import attack_beats
from nsr_core.evaluation.summary import summarise
from nsr_core.files import Note, read_json, write_atomically
from nsr_core.methods import METHODS, get_method
from nsr_core.paper.beta import BETA_FILE
from nsr_core.progress import Progress
from nsr_core.reproduction.bench import Bench
from nsr_core.reproduction.costs import Costs
from nsr_core.settings import described_fields
from nsr_core.training.checkpoint import load_checkpoint
from nsr_core.training.config import TrainConfig, paper_config
from nsr_core.training.loop import train

BETA_FOLDER = "beta"
RESULT_FILE = "validation.json"
#: The methods of the paper whose loss weighs a term of its own by β.
BETA_METHODS = tuple(name for name, method in METHODS.items() if method.in_paper and "beta" in described_fields(method))
#: Tried by default, as multiples of the paper's β.
FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)
SEARCH_EPOCHS = 10
#: 100-PGD at the noise levels up to 0.1, on up to 200 validation beats of each class, evenly spread over the records.
SEARCH = Assignment(PGD(steps=100), per_class=200, eps_grid=(0.01, 0.03, 0.05, 0.1), spread=True)


@dataclass(frozen=True)
class Trial:
    """Train with one β and attack validation beats."""

    kind: ClassVar[str] = "beta"
    is_end: ClassVar[bool] = True

    config: TrainConfig

    @property
    def beta(self) -> float:
        return float(self.config.method_settings["beta"])

    @property
    def name(self) -> str:
        return f"beta {self.config.network}-{self.config.method} {self.beta:g}, {self.config.epochs} epochs"

    @property
    def needs(self) -> tuple[str, ...]:
        return ()

    def folder(self, bench: Bench) -> Path:
        config = self.config
        name = f"{config.network}-{config.method}-beta-{self.beta:g}-{config.epochs}-epochs-seed-{config.seed}"
        return Path(bench.work) / BETA_FOLDER / name

    def result(self, bench: Bench) -> dict[str, Any] | None:
        """What ``carry_out`` wrote, or None where it has not, or with other settings."""
        return self._note(bench).read()

    def is_done(self, bench: Bench) -> bool:
        return self.result(bench) is not None

    def seconds(self, costs: Costs) -> float:
        attacked = 5 * (SEARCH.per_class or 0)
        return costs.training(self.config) + costs.attacking(self.config, "pgd", SEARCH, attacked)

    def carry_out(self, bench: Bench, progress: Progress) -> None:
        beats, split = bench.load()
        folder = self.folder(bench)
        train(self.config, beats, split, folder, device=bench.torch_device, progress=progress)
        network = load_checkpoint(folder).network.to(bench.torch_device)
        rows = spread_of_each_class(beats, split.validation, SEARCH.per_class or 0)
        table = attack_beats(network, beats, rows, "validation", SEARCH, device=bench.torch_device)
        curve = summarise(table)
        eps, acc = curve["eps"].tolist(), curve["acc"].tolist()
        self._note(bench).write(
            beats=len(rows),
            eps=eps,
            acc=acc,
            area=round(area(eps, acc), 5),
            score=round(score(eps, acc), 5),
            machine=describe_machine(bench.torch_device),
        )

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "name": self.name, "config": self.config.to_json()}

    def _note(self, bench: Bench) -> Note:
        identity = {
            "config": self.config.to_json(),
            "split": bench.load()[1].fingerprint,
            "attack": _described(),
            "device": bench.device,
        }
        return Note(self.folder(bench) / RESULT_FILE, identity)


def area(eps: Sequence[float], acc: Sequence[float]) -> float:
    """The area under ACC over the noise levels (trapezoids), divided by their range: between 0 and 1."""
    return float(np.trapezoid(acc, eps) / (eps[-1] - eps[0]))


def score(eps: Sequence[float], acc: Sequence[float]) -> float:
    """√(clean ACC x area under ACC): high only where both are.

    Args:
        eps: noise levels in ascending order, the first 0.
        acc: ACC at each, cumulative over epsilon (see ``outcomes``).
    """
    return float(np.sqrt(acc[0] * area(eps, acc)))


def make_trials(
    bench: Bench,
    networks: Iterable[str],
    methods: Iterable[str],
    epochs: int,
    values: Sequence[float] | None,
    seed: int,
) -> list[Trial]:
    """The trials of a search.

    Args:
        values: of β, for every method; by default ``FACTORS`` times the paper's.

    Raises:
        UserError: a method without β, or a β out of its range.
    """
    methods = list(methods)
    if foreign := [name for name in methods if name not in BETA_METHODS]:
        raise UserError(f"{', '.join(foreign)} has no β in the paper. Choose of: {', '.join(BETA_METHODS)}.")
    trials = []
    for network in networks:
        for method in methods:
            for beta in sorted(set(values or [factor * paper_beta(network, method) for factor in FACTORS])):
                config = paper_config(
                    network,
                    method,
                    beta=round(beta, 6),
                    epochs=epochs,
                    seed=seed,
                    source=bench.source,
                    split=bench.split_name,
                    split_seed=bench.split_seed,
                )
                trials.append(Trial(config))
    return trials


def paper_beta(network: str, method: str) -> float:
    """The paper's β."""
    return float(getattr(get_method(method, network), "beta"))  # noqa: B009 - methods without it have no such attribute


def write_search(trials: Sequence[Trial], bench: Bench) -> dict[str, Any]:
    """Write ``beta.csv`` (a row for each trial and noise level) and ``beta.json`` of the trials that are finished.

    Those that an earlier search finished in this folder with other β and the same schedule are reported with them.

    Returns:
        What ``beta.json`` holds. ``protocol``: which beats, split, attack and seeds. ``sweeps``, for each network and method:
        ``paper_beta``, ``chosen_beta`` (the best score; None where no trial is finished), ``at_edge`` (whether it is the
        smallest or largest that was tried), and the ``trials``.
    """
    rows, chosen = [], []
    trials = _with_earlier(trials, bench)
    for network, method in dict.fromkeys((trial.config.network, trial.config.method) for trial in trials):
        own = [trial for trial in trials if (trial.config.network, trial.config.method) == (network, method)]
        results = [(trial, result) for trial in own if (result := trial.result(bench))]
        chosen.append(_choice(network, method, results))
        names = {"network": network, "method": method}
        for trial, result in results:
            of_trial = names | {"beta": trial.beta, "epochs": trial.config.epochs, "score": result["score"]}
            rows += [of_trial | {"eps": e, "acc": a} for e, a in zip(result["eps"], result["acc"], strict=True)]
    folder = Path(bench.work) / BETA_FOLDER
    table = pd.DataFrame(rows, columns=["network", "method", "beta", "epochs", "score", "eps", "acc"])
    write_atomically(folder / "beta.csv", lambda path: table.to_csv(path, index=False))
    value = {"protocol": _protocol(trials, bench), "sweeps": chosen}
    text = json.dumps(value, indent=2) + "\n"
    write_atomically(folder / BETA_FILE, lambda path: path.write_text(text, encoding="utf-8"))
    return value


def _with_earlier(trials: Sequence[Trial], bench: Bench) -> list[Trial]:
    """These and the finished ones in the folder that differ in method or β only, in the order of the paper and of β."""
    schedules = {(trial.config.epochs, trial.config.seed) for trial in trials}
    known = {trial.folder(bench): trial for trial in trials}
    for path in (Path(bench.work) / BETA_FOLDER).glob(f"*/{RESULT_FILE}"):
        trial = _trial_in(path)
        if trial and (trial.config.epochs, trial.config.seed) in schedules and trial.is_done(bench):
            known.setdefault(trial.folder(bench), trial)
    networks = list(dict.fromkeys(trial.config.network for trial in known.values()))
    return sorted(
        known.values(),
        key=lambda trial: (networks.index(trial.config.network), BETA_METHODS.index(trial.config.method), trial.beta),
    )


def _trial_in(path: Path) -> Trial | None:
    """The trial whose result a file holds; None where it is damaged."""
    try:
        return Trial(TrainConfig.from_json(read_json(path)["identity"]["config"]))
    except (OSError, ValueError, KeyError, TypeError, UserError):
        return None


def _protocol(trials: Sequence[Trial], bench: Bench) -> dict[str, Any]:
    split = bench.load()[1]
    return {
        "source": bench.source,
        "split": {"name": split.name, "seed": split.seed, "fingerprint": split.fingerprint},
        **_described(),
        "training_seeds": sorted({trial.config.seed for trial in trials}),
        "device": bench.device,
    }


def _described() -> dict[str, Any]:
    """The attack and its beats, as plain values."""
    beats = f"up to {SEARCH.per_class} validation beats of each class"
    plain: dict[str, Any] = json.loads(json.dumps(SEARCH.describe() | {"beats": beats}))
    return plain


def _choice(network: str, method: str, results: list[tuple[Trial, dict[str, Any]]]) -> dict[str, Any]:
    best = max(results, key=lambda one: one[1]["score"], default=None)
    betas = [trial.beta for trial, _ in results]
    outcome = ("beats", "eps", "acc", "area", "score")
    return {
        "network": network,
        "method": method,
        "paper_beta": paper_beta(network, method),
        "chosen_beta": best[0].beta if best else None,
        "at_edge": best is not None and best[0].beta in (min(betas), max(betas)),
        "trials": [
            {"beta": trial.beta, "epochs": trial.config.epochs, "clean_acc": result["acc"][0]}
            | {name: result[name] for name in outcome}
            for trial, result in results
        ],
    }
