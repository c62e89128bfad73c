"""What a network is to the rest of the program: a module that tells its name, its title, its batches and its price."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from torch import Tensor, nn

from nsr_core.models.kernels import KernelLayer


class Network(nn.Module):
    """(batch, 187) beats to (batch, 5) logits. A new one is a file with a subclass, and a line in ``NETWORKS``.

    A network may bring what is faster than autograd: ``vjp`` (see ``nsr_core.models.vjp``) and ``around`` (see
    ``nsr_core.models.around``).

    Args of a subclass:
        bias: whether the layers have bias terms.

    Attributes:
        name: as in ``NETWORKS`` and on cards.
        title: for people.
        batch_size: beats that are attacked together on a CPU: few enough for the activations to stay in a core's cache,
            enough to hide the overhead of calls.
        cpu_beats, cpu_samples: on a CPU, how many test beats PGD attacks, and how many evaluations SPSA has in a step,
            where the paper's own would take too long; None for the paper's.
        seconds_per_epoch: on one core, of 70,043 training beats, plain and adversarial, where no card tells.
        seconds_per_beat: by attack, per beat and noise level on one core, where no card tells: of 100-PGD, and of SPSA with
            2,048 evaluations a step.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    batch_size: ClassVar[int] = 64
    cpu_beats: ClassVar[int | None] = None
    cpu_samples: ClassVar[int | None] = None
    seconds_per_epoch: ClassVar[tuple[float, float]] = (60.0, 240.0)
    seconds_per_beat: ClassVar[Mapping[str, float]] = {"pgd": 0.01, "spsa": 1.0}

    def __init__(self, bias: bool = True) -> None:
        super().__init__()

    if TYPE_CHECKING:  # PyTorch declares the call of a module as untyped

        def __call__(self, x: Tensor) -> Tensor: ...

    def normalised_layers(self) -> list[KernelLayer]:
        """The layers whose kernels the paper protocol keeps at unit norm."""
        return []
