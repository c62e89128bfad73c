"""``reproduce``: the paper's experiment in full; ``reproduce beta``: the sweep that chooses β."""

from pathlib import Path
from typing import Annotated, Any

import typer

from nsr_core.cli.app import PLAIN
from nsr_core.cli.options import INCLUDED, INCLUDED_IN_WORDS, Root, Source
from nsr_core.cli.output import AsJson, Meter, columns, emit
from nsr_core.compute import pick_device
from nsr_core.errors import UserError
from nsr_core.models import CNN, NETWORKS
from nsr_core.paper.seeds import list_with_seeds
from nsr_core.paper.tables import write_tables
from nsr_core.progress import TimeIsUp, duration, for_minutes
from nsr_core.reproduction.bench import Bench
from nsr_core.reproduction.beta import BETA_METHODS, SEARCH_EPOCHS, make_trials, write_search
from nsr_core.reproduction.costs import Costs
from nsr_core.reproduction.local import default_workers
from nsr_core.reproduction.plan import (
    QUICK_TRAIN_PER_CLASS,
    Plan,
    Request,
    make_plan,
    pending,
)
from nsr_core.reproduction.session import carry_out_all
from nsr_core.reproduction.tasks import Task
from nsr_core.training.card import list_checkpoints

Out = Annotated[
    Path | None, typer.Option(help="Folder for all that is computed; by default runs/reproduction (or -quick).")
]
WorkerCount = Annotated[
    int | None, typer.Option(min=1, help="Processes; by default one a core, or one with a CUDA device.")
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        help="Address of a Dask scheduler whose workers are used instead of processes here. See docs/scale.md."
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show the plan: what is done, what is left, how long.")]
Minutes = Annotated[
    float | None,
    typer.Option(
        min=0.01, help="End after so long; what is finished is kept, and the same command goes on from there."
    ),
]
ReproduceDevice = Annotated[str, typer.Option("--device", help="auto (CUDA where there is one), cpu or cuda.")]
Checkpoints = Annotated[
    Path,
    typer.Option(
        help="Checkpoints that are used where they are what would be trained.", show_default=INCLUDED_IN_WORDS
    ),
]

app = typer.Typer(invoke_without_command=True, **PLAIN)


@app.callback()
def reproduce(
    context: typer.Context,
    only: Annotated[
        str | None,
        typer.Option(
            help="Only these networks, methods, checkpoints or tables, such as mlp, cnn-loss2, table5; with commas."
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(min=1, help="Of every training; by default as the checkpoints that come along, else 50."),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="A trial of minutes: 1 epoch, few beats, numbers that say nothing.")
    ] = False,
    seeds: Annotated[
        str | None,
        typer.Option(help="Training seeds, with commas; by default 0, and 1 and 2 for MLP ce, loss2, adv0.1."),
    ] = None,
    cnn_beats: Annotated[
        int | None,
        typer.Option(
            min=0,
            help=f"Test beats for PGD on the CNN, 0 for all; by default as the included checkpoint, else all with CUDA, {CNN.cpu_beats:,} without.",
        ),
    ] = None,
    cnn_samples: Annotated[
        int | None,
        typer.Option(
            min=2,
            help=f"SPSA evaluations a step on the CNN; by default as the included checkpoint, else 2048 with CUDA, {CNN.cpu_samples} without.",
        ),
    ] = None,
    out: Out = None,
    workers: WorkerCount = None,
    scheduler: Scheduler = None,
    checkpoints: Checkpoints = INCLUDED,
    source: Source = "mitbih",
    root: Root = None,
    device: ReproduceDevice = "auto",
    minutes: Minutes = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Train what is missing, evaluate it, and write the paper's twelve tables beside ours.

    Interrupted, the same command goes on where it was stopped. Checkpoints that come along are not trained again.
    """
    if context.invoked_subcommand:
        return
    name = "reproduction-quick" if quick else "reproduction"
    bench = _bench(
        out or Path("runs") / name, source, root, device, scheduler, QUICK_TRAIN_PER_CLASS if quick else None
    )
    request = Request(_words(only), epochs, _seeds(seeds), quick, cnn_beats, cnn_samples)
    bench.load(Meter())
    plan = make_plan(request, bench, checkpoints)
    costs, count = _costs(bench, checkpoints), workers or default_workers(bench.device)
    if dry_run:
        _show(plan, bench, costs, count, as_json)
        return
    progress = for_minutes(Meter(), minutes)
    try:
        carry_out_all(plan.pending(bench), bench, workers=count, scheduler=scheduler, costs=costs, progress=progress)
    except TimeIsUp:
        left = len(plan.pending(bench))
        emit({"tasks_left": left}, f"\nTime is up; {left} tasks are left. The same command goes on from here.", as_json)
        return
    except UserError:
        if bench.checkpoints.exists():
            _write_tables(plan, bench)  # of what is finished all the same
        raise
    value = _write_tables(plan, bench)
    emit(value, f"{(bench.tables / 'tables.md').read_text(encoding='utf-8')}\nWritten to {bench.tables}", as_json)


def _write_tables(plan: Plan, bench: Bench) -> dict[str, Any]:
    asked = {(model.config.network, model.config.method) for model in plan.models}
    return write_tables([model.folder(bench) for model in plan.models], asked, bench.tables, plan.quick)


@app.command("beta")
def beta(
    methods: Annotated[str, typer.Option(help=f"With commas, of: {', '.join(BETA_METHODS)}.")] = ",".join(BETA_METHODS),
    networks: Annotated[
        str | None, typer.Option(help=f"With commas, of: {', '.join(NETWORKS)}; by default mlp, and cnn with CUDA.")
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Of every trial.")] = SEARCH_EPOCHS,
    values: Annotated[
        str | None, typer.Option(help="Of beta, with commas; by default a quarter of the paper's to four times of it.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Training seed.")] = 0,
    out: Out = None,
    workers: WorkerCount = None,
    scheduler: Scheduler = None,
    checkpoints: Checkpoints = INCLUDED,
    source: Source = "mitbih",
    root: Root = None,
    device: ReproduceDevice = "auto",
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Choose the weight beta of loss1, loss2 and jacob on validation beats.

    Scored by the square root of clean ACC times the area under ACC over noise up to 0.1 (100-PGD). Interrupted, the same
    command goes on where it was stopped.
    """
    bench = _bench(out or Path("runs") / "reproduction", source, root, device, scheduler, None)
    chosen = _words(networks) or tuple(
        name for name, network in NETWORKS.items() if bench.device == "cuda" or network.cpu_beats is None
    )
    trials = make_trials(bench, chosen, _words(methods), epochs, _numbers(values), seed)
    bench.load(Meter())
    missing, costs, count = pending(trials, bench), _costs(bench, checkpoints), workers or default_workers(bench.device)
    if dry_run:
        result = [{**trial.to_json(), "pending": trial in missing} for trial in trials]
        emit(result, f"{len(missing)} of {len(trials)} trials are left. {_time_left(missing, costs, count)}", as_json)
        return
    carry_out_all(missing, bench, workers=count, scheduler=scheduler, costs=costs, progress=Meter())
    value = write_search(trials, bench)
    emit(value, _tell_sweep(value), as_json)


def _bench(
    out: Path, source: str, root: Path | None, device: str, scheduler: str | None, train_per_class: int | None
) -> Bench:
    # What a cluster's workers have, this machine need not have; they must all be alike.
    picked = ("cpu" if device == "auto" else device) if scheduler else pick_device(device).type
    return Bench(str(out.absolute()), source, str(root.absolute()) if root else None, train_per_class, picked)


def _costs(bench: Bench, checkpoints: Path) -> Costs:
    """By what ran in the work folder, and else by what came along."""
    folders = [*list_checkpoints(bench.checkpoints), *list_with_seeds(checkpoints)]
    return Costs(folders, len(bench.load()[1].train))


def _show(plan: Plan, bench: Bench, costs: Costs, count: int, as_json: bool) -> None:
    missing = plan.pending(bench)
    names = {task.name for task in missing}
    rows: list[tuple[str, ...]] = []
    for model in plan.models:
        own = [task for task in plan.tasks if getattr(task, "model", None) == model]
        left = [task for task in own if task.name in names]
        merges = [task for task in own if task.is_end]
        come_along = sum(name == model.name for name, _ in plan.taken_over)
        done = come_along + sum(task.name not in names for task in merges)
        training = "included" if model.included else "done" if model.is_trained(bench) else "to do"
        seconds = sum(task.seconds(costs) for task in left)
        rows.append(
            (
                model.name,
                str(model.config.epochs),
                training,
                f"{done} of {come_along + len(merges)}",
                str(len(left)),
                duration(seconds),
            )
        )
    header = ("model", "epochs", "training", "attacks evaluated", "tasks left", "on one core")
    text = f"{columns(rows, header)}\n\n{len(missing)} of {len(plan.tasks)} tasks are left. {_time_left(missing, costs, count)}"
    value: dict[str, Any] = {
        "tasks": plan.to_json(bench),
        "seconds": round(sum(task.seconds(costs) for task in missing)),
    }
    emit(value | {"workers": count}, text, as_json)


def _time_left(missing: list[Task], costs: Costs, count: int) -> str:
    if not missing:
        return "Nothing has to be computed: without --dry-run, the command writes the tables of what is there."
    seconds = sum(task.seconds(costs) for task in missing)
    guess = "" if costs.is_measured("cnn") else " Not every method's CNN tells its time here: the rest is estimated."
    return f"About {duration(seconds / count)} on {count} worker(s), going by times measured on one CPU core.{guess}"


def _tell_sweep(value: dict[str, Any]) -> str:
    chosen = value["sweeps"]
    rows = [
        (
            one["network"],
            one["method"],
            f"{trial['beta']:g}" + (" (paper)" if trial["beta"] == one["paper_beta"] else ""),
            *(f"{trial[name]:.3f}" for name in ("clean_acc", "area", "score")),
            "best" if trial["beta"] == one["chosen_beta"] else "",
        )
        for one in chosen
        for trial in one["trials"]
    ]
    edge = [f"{one['network']}-{one['method']}" for one in chosen if one["at_edge"]]
    table = columns(rows, ("network", "method", "beta", "clean ACC", "area", "score", ""))
    return table + (
        f"\nThe best is the smallest or largest tried for {', '.join(edge)}: try --values beyond." if edge else ""
    )


def _words(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def _seeds(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    if not (words := _words(text)) or not all(word.isdecimal() for word in words):
        raise UserError(f'--seeds is "{text}"; expected whole numbers from 0, separated by commas, for example 0,1,2.')
    return tuple(dict.fromkeys(int(word) for word in words))


def _numbers(text: str | None) -> tuple[float, ...] | None:
    try:
        return tuple(float(word) for word in _words(text)) or None
    except ValueError:
        raise UserError(f'--values is "{text}"; expected numbers separated by commas, for example 0.1,0.5,1.') from None
