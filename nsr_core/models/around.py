"""A network evaluated at many points around each of many beats: what an attack without gradients is made of."""

from collections.abc import Callable

from torch import Tensor, nn

#: (187,) one beat to (offsets, classes) logits at that beat plus each offset.
Around = Callable[[Tensor], Tensor]


def logits_around(network: nn.Module, offsets: Tensor) -> Around:
    """A function that evaluates the network at a beat plus each of the offsets.

    A network may bring its own ``around``, to do once what does not depend on the beat.

    Args:
        network: (batch, 187) to (batch, classes).
        offsets: (offsets, 187).
    """
    own: Callable[[Tensor], Around] | None = getattr(network, "around", None)
    return own(offsets) if own else lambda x: network(x + offsets)
