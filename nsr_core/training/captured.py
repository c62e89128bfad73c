"""A training step on a CUDA device, captured once as a graph and replayed.

A step of these small networks is some hundred kernels of a few microseconds each: launched one by one from Python, the
device waits most of the time. A graph launches them together, and the steps of several trainings, each on its own stream,
fill the device between them.
"""

import copy
import threading
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

from nsr_core.settings import Settings, described_fields

M = TypeVar("M", bound=Settings)

#: Steps that are taken one kernel at a time before the capture: libraries choose their kernels and buffers in them.
STEPS_BEFORE_CAPTURE = 3

#: Held by whatever is no replay: nothing else may happen on the device while a graph is captured.
one_by_one = threading.RLock()


class CapturedStep:
    """``step(rows)``, replayed from a graph for batches of the usual size; any other size is taken step by step.

    The first calls are real steps too, so nothing of the training depends on the capture.

    Args:
        step: (batch,) int64 row numbers to the loss, a scalar on the device. It must read all that changes from one call
            to the next from tensors that stay where they are, and must not wait for the device.
        batch_size: the usual size.
        generator: where the step takes its chance from, on the device.
    """

    def __init__(self, step: Callable[[Tensor], Tensor], batch_size: int, generator: torch.Generator) -> None:
        self._step, self._generator = step, generator
        self._rows = torch.zeros(batch_size, dtype=torch.int64, device=generator.device)
        self._loss = torch.empty(0)
        self._graph: torch.cuda.CUDAGraph | None = None
        self._taken = 0

    def __call__(self, rows: Tensor) -> Tensor:
        """The loss of one step on these rows; it is overwritten by the next."""
        usual = len(rows) == len(self._rows)
        if self._graph is None or not usual:
            with one_by_one:
                self._taken += usual
                if not usual:
                    loss = self._step(rows)
                    torch.cuda.current_stream().synchronize()
                    return loss
                # Libraries try their kernels on these shapes, once; on all shapes that occur it would take forever.
                with torch.backends.cudnn.flags(enabled=True, benchmark=True, allow_tf32=True):
                    if self._taken <= STEPS_BEFORE_CAPTURE:
                        loss = self._step(rows)
                        torch.cuda.current_stream().synchronize()
                        return loss
                    self._graph = self._captured()
        self._rows.copy_(rows)
        self._graph.replay()
        return self._loss

    def _captured(self) -> torch.cuda.CUDAGraph:
        graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(self._generator)
        torch.cuda.synchronize()
        # Other threads may replay meanwhile.
        graph.capture_begin(capture_error_mode="relaxed")
        try:
            self._loss = self._step(self._rows)
        finally:
            graph.capture_end()
        return graph


def with_tensors(settings: M, values: dict[str, Tensor]) -> M:
    """A copy of some settings in which scalars on the device stand for numbers that change, unchecked."""
    changed = copy.copy(settings)
    for name, value in values.items():
        object.__setattr__(changed, name, value)
    return changed


def differing(settings: M, others: M) -> dict[str, float]:
    """The settings in which two of a kind differ, with the values of the second."""
    values = {name: getattr(others, name) for name in described_fields(settings)}
    return {name: value for name, value in values.items() if value != getattr(settings, name)}
