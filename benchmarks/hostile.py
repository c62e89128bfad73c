"""Command lines and page addresses that nobody means: values from far outside, among some that lead deep into the program."""

import functools
import os
import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from nsr_core.attacks import ATTACKS
from nsr_core.cli.app import COMMANDS, INTERRUPTED, Commands
from nsr_core.data import CLASSES, SOURCES, SPLITS
from nsr_core.files import project_dir
from nsr_core.methods import METHODS
from nsr_core.models import NETWORKS
from nsr_core.settings import described_fields
from nsr_core.training.config import TrainConfig
from ui import presenting
from ui.navigation import PAGES

Rng = np.random.Generator

#: What no option and no parameter expects.
VALUES = (
    "",
    " ",
    "-1",
    "0",
    "nan",
    "inf",
    "-inf",
    "1e308",
    "1e-320",
    "1e999",
    "1000000000",
    "99999999999999999999",
    "9" * 5000,
    "0x10",
    "1_0",
    "٣",
    "x",
    "true",
    "None",
    "\u202eabc",
    "\U0001f493" * 50,
    "e\u0301" * 100,
    "\x07\x1b[31m",
    "a" * 5000,
    "../..",
    "~nosuchuser/x",
    "/dev/null",
    "<script>alert(1)</script>",
    "![p](http://x.invalid)",
    "$\\frac{",
    "{",
    "[]",
    "%s%n",
    "demo:-1",
    "demo:999999",
    "0.1,nan",
    ",",
    "beta=nan",
    "steps=1000000000",
    "=",
)
#: Also where an option's value may be: it begins as one does, or cannot be in an address.
WORDS = (*VALUES, "--", "--json", "-h", "--nosuch", "\udc80")
#: Seconds after which a command that works in earnest is sent Ctrl-C.
PATIENCE = 3

#: By the parameter's name: values that are taken. What takes long, takes little of it.
TAKEN: dict[str, tuple[str, ...]] = {
    "attack": tuple(ATTACKS),
    "attack_name": tuple(ATTACKS),
    "attacks": ("fgsm", "pgd,spsa"),
    "beat": ("0", "demo:5"),
    "device": ("cpu", "auto"),
    "epochs": ("1",),
    "eps": ("0.1", "0", "1"),
    "method": (*METHODS, "crown", "interval"),
    "methods": ("loss2",),
    "network": tuple(NETWORKS),
    "networks": ("mlp",),
    "only": ("mlp-ce", "table5"),
    "per_class": ("1", "3"),
    "root": ("nothing",),
    "seed": ("0", "7"),
    "seeds": ("0,1",),
    "source": ("demo", *SOURCES),
    "split": tuple(SPLITS),
    "threads": ("1",),
}


def choose(rng: Rng, among: Any) -> str:
    """One of some words; numpy's own ``choice`` cuts what ends in a null byte and pads the rest."""
    among = tuple(among)
    return str(among[int(rng.integers(len(among)))])


def command_line(checkpoint: Path, rng: Rng) -> list[str]:
    """A command, its arguments, and some of its options in any order, of which about every fifth has a senseless value."""
    name = choose(rng, COMMANDS if rng.random() < 0.97 else WORDS)
    words, command = [name], Commands(name="nsr").get_command(None, name)
    if command is None:
        return [*words, choose(rng, WORDS)]
    if (below := getattr(command, "commands", None)) and rng.random() < 0.3:
        words.append(choose(rng, below))
        command = below[words[-1]]
    options: list[list[str]] = []
    for parameter in command.params:
        taken = TAKEN.get(parameter.name, ("1",))
        if parameter.name in ("checkpoint", "checkpoints", "folder", "files"):
            taken = (str(checkpoint), str(checkpoint.parent), "nothing")
        value = choose(rng, taken if rng.random() < 0.8 else WORDS)
        if parameter.param_type_name == "argument":
            words += [value] if rng.random() < 0.95 else []
        elif rng.random() < 0.3:
            flag = choose(rng, parameter.opts)
            options.append([flag] if getattr(parameter, "is_flag", False) else [flag, value])
    rng.shuffle(options)
    return words + [word for option in options for word in option]


@contextmanager
def in_small(folder: Path) -> Iterator[None]:
    """Within it a command finds only what is in a folder, and one that would serve, or start processes, is as if stopped."""
    work = folder / "a" / "b"  # so that ../.. is still within
    work.mkdir(parents=True)

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    named = ("HOME", "NSR_CACHE_DIR", "NSR_RUNS_DIR", "NSR_MITDB_DIR", "NSR_KAGGLE_DIR")
    here = {name: str(folder / name.lower()) for name in named}
    with ExitStack() as stack:
        stack.enter_context(mock.patch.dict("os.environ", here))
        stack.enter_context(_working_in(work))
        stack.enter_context(mock.patch("nsr_core.cli.reproduce.carry_out_all", stop))
        stack.enter_context(mock.patch("nsr_core.cli.start_app.run_here", stop))
        yield


@contextmanager
def stopped_after(seconds: int) -> Iterator[None]:
    """Within it Ctrl-C comes after so long. What libraries in other languages make of it is not judged: it counts as Ctrl-C."""
    came = []

    def interrupt(*_: object) -> None:
        came.append(True)
        raise KeyboardInterrupt

    before, left = signal.signal(signal.SIGALRM, interrupt), signal.alarm(seconds)
    try:
        yield
    except Exception as error:
        if came:
            raise SystemExit(INTERRUPTED) from error
        raise
    finally:
        signal.signal(signal.SIGALRM, before)
        signal.alarm(left)


@contextmanager
def _working_in(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@functools.cache
def parameters() -> tuple[str, ...]:
    """Every name under which a page's address may say something, and many more: the keys of all widgets."""
    files = [path for part in ("pages", "ui") for path in sorted((project_dir() / part).rglob("*.py"))]
    found = {key for path in files for key in re.findall(r'(?:\bkey=|\bbound\()"(\w+)"', path.read_text())}
    found |= {presenting.PARAMETER, "source", "eps", "flips_of", "flips_under", "flips_at"}
    for name, attack in ATTACKS.items():
        found |= {f"{name}_{field}" for field in described_fields(attack)}
    found |= {f"train_{field}" for field in described_fields(TrainConfig())}
    return tuple(sorted(found))


#: Values that open other parts of a page.
OPENING: dict[str, tuple[str, ...]] = {
    "attack": tuple(ATTACKS),
    "checkpoints": ("mlp-ce", "cnn-ce"),
    "class": tuple(CLASSES),
    "how": ("attack", "train", "noise"),
    "measure": ("acc", "f1"),
    "models": ("mlp-ce", "mlp-loss2"),
    "source": (*SOURCES, "own"),
    "under": ("pgd100", "worst-case"),
}


def address(rng: Rng) -> tuple[str, dict[str, str | list[str]]]:
    """A page's name and the parameters of its address."""
    asked: dict[str, str | list[str]] = {}
    for key in parameters():
        if rng.random() < 0.4:
            known = OPENING.get(key, ())
            many = [choose(rng, known if known and rng.random() < 0.5 else VALUES) for _ in range(3)]
            asked[key] = many[0] if rng.random() < 0.8 else many * (1 if rng.random() < 0.9 else 100)
    return choose(rng, PAGES), asked


def open_page(page: str, asked: dict[str, str | list[str]], seconds: float) -> list[str]:
    """Open it without a browser; what it says in its boxes of errors and warnings.

    Raises:
        RuntimeError: it says more than a line, or ends in an exception, or takes longer than ``seconds``.
    """
    from streamlit.testing.v1 import AppTest

    app = AppTest.from_file(str(PAGES[page].file), default_timeout=seconds)
    for key, value in asked.items():
        app.query_params[key] = value
    app.run()
    if app.exception:
        raise RuntimeError(f"{page} at {asked}: {app.exception[0].message}\n" + "\n".join(app.exception[0].stack_trace))
    said = [str(box.value) for box in (*app.error, *app.warning)]
    if any("Traceback" in words or len(words) > 1000 for words in said):
        raise RuntimeError(f"{page} at {asked} says: {said}")
    return said
