"""The networks, by name. A new one is a file here and a line in ``NETWORKS``."""

from torch import nn

from nsr_core.errors import UserError
from nsr_core.models.base import Network
from nsr_core.models.cnn import CNN
from nsr_core.models.mlp import MLP

NETWORKS: dict[str, type[Network]] = {"mlp": MLP, "cnn": CNN}


def make_network(name: str, bias: bool = True) -> Network:
    """A network as PyTorch initialises it.

    Raises:
        UserError: there is no network of that name.
    """
    if name not in NETWORKS:
        raise UserError(f'There is no network "{name}". Choose one of: {", ".join(NETWORKS)}.')
    return NETWORKS[name](bias)


def parameter_count(network: nn.Module) -> int:
    """Number of trainable numbers in a network."""
    return sum(parameter.numel() for parameter in network.parameters())


__all__ = ["CNN", "MLP", "NETWORKS", "Network", "make_network", "parameter_count"]
