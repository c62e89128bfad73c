"""``evaluate``: attack a checkpoint on its test beats and put the tables beside its weights."""

import dataclasses
from typing import Annotated, Any

import pandas as pd
import typer

from nsr_core.attacks import ATTACKS
from nsr_core.cli.options import (
    AttackSets,
    CheckpointFolder,
    Device,
    Root,
    SignalOnly,
    Spread,
    Threads,
    parse_levels,
    parse_sets,
)
from nsr_core.cli.output import AsJson, Meter, emit
from nsr_core.compute import configure, pick_device
from nsr_core.data import load_beats, make_split
from nsr_core.errors import UserError
from nsr_core.evaluation.assignment import WORST_CASE_PLAN, Assignment, plan_of
from nsr_core.evaluation.evaluate import evaluate as run_evaluation
from nsr_core.evaluation.summary import READINGS
from nsr_core.settings import parse, update
from nsr_core.training.checkpoint import load_checkpoint
from nsr_core.verdict.levels import keep_levels


def evaluate(
    checkpoint: CheckpointFolder,
    attacks: Annotated[
        str, typer.Option(help=f"Separated by commas, of: {', '.join([*ATTACKS, *WORST_CASE_PLAN])}.")
    ] = "pgd,spsa",
    eps: Annotated[
        str | None, typer.Option(help="Noise levels, separated by commas; by default the paper's six.")
    ] = None,
    per_class: Annotated[
        int | None,
        typer.Option(
            min=0, help="Attack only this number of test beats of each class, the first; 0 for the full test split."
        ),
    ] = None,
    spread: Spread = False,
    signal_only: SignalOnly = False,
    seed: Annotated[int, typer.Option(min=0, help="Where the attacks' chance comes from.")] = 0,
    sets: AttackSets = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace results of the same attack with other settings.")
    ] = False,
    root: Root = None,
    device: Device = "auto",
    threads: Threads = 1,
    as_json: AsJson = False,
) -> None:
    """Attack a checkpoint on the test beats of the split that it was trained on.

    By default as in the paper: PGD (100 steps, read after 20 and 100) on the full test split, SPSA on the first 162
    beats of each class. "worst-case" runs all our attacks in turn on up to 500 of each class, evenly spread over the
    records; "worst-case-signal" does so with the padding left untouched. Interrupted, the same command goes on after the last
    whole noise level. The card tells settings changed with --set: by the paper an attack is with its own only. "list" names
    them; the worst case has the strength: standard, full, or only its first attacks, pgd or fgsm.
    """
    configure(threads)
    config = load_checkpoint(checkpoint).config
    changes: dict[str, Any] = {"seed": seed} | ({"signal_only": True} if signal_only else {})
    changes |= {"eps_grid": parse_levels(eps)} if eps else {}
    changes |= {} if per_class is None else {"per_class": per_class or None}
    changes |= {"spread": True} if spread else {}
    plan = plan_of([name.strip() for name in attacks.split(",")], **changes)
    plan = {name: _with_settings(name, task, parse_sets(sets)) for name, task in plan.items()}
    beats = load_beats(config.source, root, Meter())
    split = make_split(beats, config.split, config.split_seed)
    summary = run_evaluation(
        checkpoint, beats, split, plan, replace_results=replace, device=pick_device(device), progress=Meter()
    )
    keep_levels(checkpoint)
    emit(summary.to_dict("records"), _tables(summary), as_json)


def _with_settings(name: str, task: Assignment, texts: dict[str, str]) -> Assignment:
    """The assignment with settings of its attack changed.

    Raises:
        UserError: the attack has no such setting, or would stop before a step after which it is reported.
    """
    attack = update(task.attack, parse(task.attack, texts))
    last = max((reading.steps or 0 for reading in READINGS.values() if reading.attack == name), default=0)
    if "steps" in texts and attack.steps < last:  # type: ignore[attr-defined]
        raise UserError(
            f"{name} is reported after {last} steps, and steps is {texts['steps']}; expected {last} or more. The step at which "
            "each beat broke is in robustness.parquet: fewer steps can be read from there."
        )
    return dataclasses.replace(task, attack=attack)


def _tables(summary: pd.DataFrame) -> str:
    """Accuracy and precision by attack and noise level, as the paper lays them out."""
    parts = []
    for metric, title in (
        ("acc", "ACC, equal priors"),
        ("acc_alone", "ACC, equal priors, each noise level alone as in the paper"),
        ("prec", "PREC, equal priors"),
        ("acc_natural", "ACC, natural class frequencies"),
    ):
        wide = summary.pivot(index=["attack", "beats"], columns="eps", values=metric)
        parts.append(f"{title}\n{wide.to_string(float_format='{:.3f}'.format)}")
    if summary["beats"].nunique() > 1:
        parts.append(
            "Rows of different numbers of beats are of different beats: compare those of the same number only. The command "
            "verdict puts attacks side by side on the beats that all of them met."
        )
    return "\n\n".join(parts)
