"""A trained network as an ONNX file, which other programs run without PyTorch, checked against the network itself."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch

from nsr_core import DISCLAIMER
from nsr_core.data.beats import BEAT_LENGTH, CLASSES, FS_HZ, signal_mask
from nsr_core.errors import UserError
from nsr_core.files import write_atomically
from nsr_core.training.checkpoint import Checkpoint

#: Packages of the extra ``onnx``: one writes the file, one translates PyTorch's operations, one runs the result.
PACKAGES = ("onnx", "onnxscript", "onnxruntime")
ONNX_INSTALL = 'pip install "nsr-ecg[onnx]"'
#: Of the file.
INPUT, OUTPUT = "beats", "logits"
#: How many beats are compared: one alone, a few, and many, since a file may be made for a single size of batch.
BATCHES = (1, 7, 248)
#: Largest allowed difference of a logit, as a part of the largest logit. Sums in another order differ by some 1e-6.
TOLERANCE = 1e-4


@dataclass(frozen=True)
class OnnxCheck:
    """How an ONNX file compares with the network that it was made of.

    Attributes:
        beats: how many random beats both classified.
        same: how many of them both put into the same class.
        largest_difference: of any logit.
        largest_logit: in size, for comparison.
    """

    beats: int
    same: int
    largest_difference: float
    largest_logit: float

    @property
    def passed(self) -> bool:
        """Whether both are the same up to rounding."""
        return self.largest_difference <= TOLERANCE * max(self.largest_logit, 1.0)


def export_onnx(checkpoint: Checkpoint, path: Path, seed: int = 0) -> OnnxCheck:
    """Write a network as ONNX: (batch, 187) float32 ``beats`` to (batch, 5) float32 ``logits``, for any size of batch.

    The file names the checkpoint, the SHA-256 of its weights, the classes in order and the sampling rate. It is put in place
    only once it was run and gives the network's own logits.

    Args:
        checkpoint: what is exported.
        path: of the file; one that is there is replaced.
        seed: of the random beats of the comparison.

    Raises:
        UserError: a package is missing, or the file does not compute what the network does.
    """
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise UserError(f"ONNX needs the packages {', '.join(missing)}, not installed here. Install: {ONNX_INSTALL}")
    checks: list[OnnxCheck] = []

    def write(partial: Path) -> None:
        _write(checkpoint, partial)
        check = compare(checkpoint, partial, np.random.default_rng(seed))
        if not check.passed:
            raise UserError(
                f"The ONNX file of {checkpoint.name} gives other logits than the network, by up to "
                f"{check.largest_difference:.2g}; expected at most {TOLERANCE:g} of the largest, {check.largest_logit:.3g}. "
                f"Nothing was written. Install the versions that this program was tested with: {ONNX_INSTALL}"
            )
        checks.append(check)

    write_atomically(path, write)
    return checks[0]


def compare(checkpoint: Checkpoint, path: Path, rng: np.random.Generator) -> OnnxCheck:
    """Run an ONNX file and the network on the same random beats: uniform numbers in [0, 1], then padding."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    pairs = []
    for size in BATCHES:
        length = rng.integers(1, BEAT_LENGTH + 1, size)
        beats = np.where(signal_mask(length), rng.random((size, BEAT_LENGTH)), 0).astype(np.float32)
        with torch.no_grad():
            expected = checkpoint.network(torch.from_numpy(beats)).numpy()
        pairs.append((session.run([OUTPUT], {INPUT: beats})[0], expected))
    found, expected = (np.concatenate(part) for part in zip(*pairs, strict=True))
    return OnnxCheck(
        beats=len(expected),
        same=int((found.argmax(1) == expected.argmax(1)).sum()),
        largest_difference=float(np.abs(found - expected).max()),
        largest_logit=float(np.abs(expected).max()),
    )


def _write(checkpoint: Checkpoint, path: Path) -> None:
    example = torch.zeros(2, BEAT_LENGTH)
    with _quiet():
        program = torch.onnx.export(
            checkpoint.network,
            (example,),
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            dynamo=True,
            verbose=False,
        )
    assert program is not None  # as there is no file to write to
    facts = {
        "checkpoint": checkpoint.name,
        "weights_sha256": checkpoint.card["weights_sha256"],
        "classes": " ".join(CLASSES),
        "sampling_rate_hz": f"{FS_HZ:g}",
        "use": DISCLAIMER,
    }
    program.model.metadata_props.update(facts)
    program.save(path)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporter says about packages and operations that no network here has."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
