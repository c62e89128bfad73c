"""The machine that computes: which device, how many threads, and how to name it in a result."""

import ctypes
import platform
from importlib.metadata import version

import torch

from nsr_core.errors import UserError


def pick_device(name: str = "auto") -> torch.device:
    """The device called ``name``; ``auto`` is CUDA where there is one, else the CPU.

    Raises:
        UserError: CUDA was asked for and is not there, or the name is none of auto, cpu, cuda.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name not in ("cpu", "cuda"):
        raise UserError(f'There is no device "{name}". Choose auto, cpu or cuda.')
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("This machine offers no CUDA device. Choose cpu or auto.")
    return torch.device(name)


def configure(threads: int) -> None:
    """Fix the number of CPU threads, flush denormals (tiny numbers slow a CPU down tenfold), keep freed memory.

    Results on a CPU are bit-identical only between runs with the same number of threads.
    """
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    _keep_freed_memory()


def _keep_freed_memory() -> None:
    """Let glibc keep what is freed: given back to the system at every step, it must be zeroed again at the next.

    A tenth of an adversarial step on the MLP. Elsewhere than on glibc nothing happens.
    """
    trim_threshold, mmap_threshold, size = -1, -3, 2**30
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return
    mallopt(trim_threshold, size)
    mallopt(mmap_threshold, size)


def describe_machine(device: torch.device) -> dict[str, str]:
    """What a result should say about where it was computed."""
    if device.type == "cuda":
        processor = torch.cuda.get_device_name(device)
    else:
        processor = f"{_cpu_name()}, {torch.get_num_threads()} thread(s)"
    return {"device": device.type, "processor": processor, "system": platform.system()}


def describe_versions() -> dict[str, str]:
    """The versions that a result depends on."""
    return {"python": platform.python_version(), **{name: version(name) for name in ("torch", "numpy")}}


def _cpu_name() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
