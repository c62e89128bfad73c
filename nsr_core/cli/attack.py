"""``attack``: one beat, one checkpoint, one noise level, told in full."""

from typing import Annotated, Any

import numpy as np
import torch
import typer

from nsr_core.attacks import ATTACKS, Attack, AttackResult, BeatRandomness, Box, get_attack
from nsr_core.cli.options import CheckpointFolder, Root, Sets, parse_sets
from nsr_core.cli.output import AsJson, emit
from nsr_core.compute import configure
from nsr_core.data import CLASS_NAMES, CLASSES, Beats, load_beats
from nsr_core.errors import UserError
from nsr_core.evaluation.nsr import change_of_true_logit, noise_to_signal
from nsr_core.settings import parse, update
from nsr_core.training.checkpoint import Checkpoint, load_checkpoint


def attack(
    checkpoint: CheckpointFolder,
    beat: Annotated[str, typer.Option(help='Which beat: "record:sample" as in the tables, or a row number.')] = "0",
    attack_name: Annotated[str, typer.Option("--attack", help=f"One of: {', '.join(ATTACKS)}.")] = "pgd",
    eps: Annotated[float, typer.Option(min=0, max=1, help="Noise level, in units of the beat's range.")] = 0.1,
    signal_only: Annotated[bool, typer.Option(help="Leave the padding after the signal untouched.")] = False,
    source: Annotated[str, typer.Option(help="Where the beat comes from: demo, mitbih or kaggle.")] = "demo",
    root: Root = None,
    seed: Annotated[int, typer.Option(min=0, help="Where the attack's chance comes from.")] = 0,
    sets: Sets = None,
    as_json: AsJson = False,
) -> None:
    """Attack one beat and report what the network said before and after.

    By default a synthetic demo beat, so that nothing needs to be downloaded.
    """
    configure(threads=1)
    loaded = load_checkpoint(checkpoint)
    chosen = get_attack(attack_name)
    chosen = update(chosen, parse(chosen, parse_sets(sets)))
    beats = load_beats(source, root)
    row = find_beat(beats, beat)
    value = attack_one(loaded, chosen, beats, row, eps, seed, signal_only)
    emit(value, _tell(value), as_json)


def find_beat(beats: Beats, text: str) -> int:
    """The row of a beat named ``record:sample`` or by its row number.

    Raises:
        UserError: there is no such beat.
    """
    if ":" in text:
        record, _, sample = text.partition(":")
        rows = np.flatnonzero((beats.record == record) & (beats.sample.astype(str) == sample))
        if len(rows):
            return int(rows[0])
    elif text.isdigit() and int(text) < len(beats):
        return int(text)
    raise UserError(
        f'There is no beat "{text}" in the {beats.source} beats. Give a row from 0 to {len(beats) - 1:,}, or '
        f"record:sample such as {beats.names()[0]}."
    )


def attack_one(
    loaded: Checkpoint, chosen: Attack, beats: Beats, row: int, eps: float, seed: int, signal_only: bool
) -> dict[str, Any]:
    """All that can be said of one attack on one beat, as plain values."""
    network = loaded.network
    x, y = torch.from_numpy(beats.x[row : row + 1]), torch.from_numpy(beats.y[row : row + 1])
    length = torch.from_numpy(beats.length[row : row + 1].astype(np.int64)) if signal_only else None
    randomness = BeatRandomness(seed, np.array([row]))
    result: AttackResult = chosen(network, x, y, eps, length=length, randomness=randomness)
    x_adv = Box.around(x, eps, length).clip(result.x_adv)
    with torch.inference_mode():
        before, after = (network(at).softmax(1)[0] for at in (x, x_adv))
    line = noise_to_signal(network, x, y)
    noise = x_adv - x
    mv_range = float(beats.mv_range[row])
    largest = float(noise.abs().max())
    return {
        "checkpoint": loaded.name,
        "weights": loaded.digest,
        "beat": str(beats.names()[row]),
        "source": beats.source,
        "true_class": CLASSES[beats.y[row]],
        "attack": chosen.name,
        "eps": eps,
        "seed": seed,
        "signal_only": signal_only,
        "before": {"class": CLASSES[int(before.argmax())], "probability": round(float(before.max()), 4)},
        "after": {"class": CLASSES[int(after.argmax())], "probability": round(float(after.max()), 4)},
        "flipped": bool(after.argmax() != before.argmax()),
        "step_of_first_success": int(result.step),
        "queries": int(result.queries),
        "largest_noise": round(largest, 6),
        "largest_noise_mv": round(largest * mv_range, 4) if np.isfinite(mv_range) else None,
        "noise_to_signal": {
            "w_l1": round(float(line.w_l1), 4),
            "z": round(float(line.z), 4),
            "bound": round(float(line.bound(eps)), 4),
            "reached_on_the_line": round(float(line.reached(noise)), 4),
            "reached": round(float(change_of_true_logit(network, x, y, x_adv)), 4),
        },
    }


def _tell(value: dict[str, Any]) -> str:
    before, after, ratio = value["before"], value["after"], value["noise_to_signal"]
    in_mv = f" ({value['largest_noise_mv']} mV)" if value["largest_noise_mv"] is not None else ""
    verdict = f"flipped at step {value['step_of_first_success']}" if value["flipped"] else "did not flip"
    if before["class"] != value["true_class"]:
        verdict = "was wrong before any noise"
    return "\n".join(
        [
            f"Beat {value['beat']} ({value['source']}), true class {value['true_class']}: "
            f"{CLASS_NAMES[value['true_class']]}",
            f"Without noise: {before['class']}, probability {before['probability']:.3f}",
            f"With noise:    {after['class']}, probability {after['probability']:.3f}",
            f"{value['checkpoint']} {verdict} under {value['attack']} at eps {value['eps']:g}; largest noise "
            f"{value['largest_noise']:.4g}{in_mv}; {value['queries']:,} evaluations",
            f"Noise-to-signal ratio: bound {ratio['bound']:.3g} (eq. 9), reached {ratio['reached']:.3g}",
        ]
    )
