"""``attack``: one beat, one checkpoint, one noise level, in full."""

from typing import Annotated

import typer

from nsr_core.attacks import ATTACKS, get_attack
from nsr_core.beat.attack import BeatAttack, attack_beat, find_beat
from nsr_core.cli.options import CheckpointFolder, Root, Sets, parse_sets
from nsr_core.cli.output import AsJson, emit
from nsr_core.compute import configure
from nsr_core.data import CLASS_NAMES, load_beats
from nsr_core.settings import parse, update
from nsr_core.training.checkpoint import load_checkpoint


def attack(
    checkpoint: CheckpointFolder,
    beat: Annotated[str, typer.Option(help='Which beat: "record:sample" as in the tables, or a row number.')] = "0",
    attack_name: Annotated[str, typer.Option("--attack", help=f"One of: {', '.join(ATTACKS)}.")] = "pgd",
    eps: Annotated[float, typer.Option(min=0, max=1, help="Noise level, in units of the beat's range.")] = 0.1,
    signal_only: Annotated[
        bool, typer.Option("--signal-only", help="Leave the padding after the signal untouched.")
    ] = False,
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
    result = attack_beat(loaded, chosen, beats, find_beat(beats, beat), eps, seed=seed, signal_only=signal_only)
    emit(result.to_json(), _tell(result), as_json)


def _tell(result: BeatAttack) -> str:
    if result.class_before != result.true_class:
        verdict = "was wrong before any noise"
    elif result.flipped:
        verdict = f"flipped at step {result.step}"
    else:
        verdict = "did not flip"
    largest_mv = result.to_json()["largest_noise_mv"]
    in_mv = "" if largest_mv is None else f" ({largest_mv} mV)"
    return "\n".join(
        [
            f"Beat {result.beat} ({result.source}), true class {result.true_class}: {CLASS_NAMES[result.true_class]}",
            f"Without noise: {result.class_before}, probability {result.before.max():.3f}",
            f"With noise:    {result.class_after}, probability {result.after.max():.3f}",
            f"{result.checkpoint} {verdict} under {result.attack} at eps {result.eps:g}; largest noise "
            f"{result.largest_noise:.4g}{in_mv}; {result.queries:,} evaluations",
            f"Noise-to-signal ratio: bound {result.bound:.3g} (eq. 9), reached {result.reached:.3g}",
        ]
    )
