"""The training methods by name: the paper's nine as its tables call them, then four beyond it.

A new one is a file here and a line below.
"""

from nsr_core.errors import UserError
from nsr_core.methods.adversarial import Adversarial
from nsr_core.methods.base import Method, Recipe
from nsr_core.methods.certified import MtlIbp
from nsr_core.methods.cross_entropy import CrossEntropy
from nsr_core.methods.full_budget import FullAdversarial, Trades
from nsr_core.methods.jacobian import Jacobian
from nsr_core.methods.nsr import Loss1, Loss2
from nsr_core.methods.squared import SquaredError, SquaredErrorMargin

METHODS: dict[str, Method] = {
    "ce": CrossEntropy(),
    "mse": SquaredError(),
    "mseMargin": SquaredErrorMargin(),
    "loss1": Loss1(),
    "loss2": Loss2(),
    "jacob": Jacobian(),
    "adv0.1": Adversarial(eps=0.1),
    "adv0.2": Adversarial(eps=0.2),
    "adv0.3": Adversarial(eps=0.3),
    "at0.1": FullAdversarial(eps=0.1),
    "trades0.1": Trades(eps=0.1),
    "mtl-ibp0.05": MtlIbp(eps=0.065),
    "mtl-ibp0.1": MtlIbp(eps=0.12, alpha=0.15),
}
#: Those with published numbers.
PAPER_METHODS = tuple(name for name, method in METHODS.items() if method.in_paper)


def get_method(name: str, network: str = "mlp") -> Method:
    """The method called ``name`` with the paper's settings for the network of that name.

    Raises:
        UserError: there is no method of that name.
    """
    if name not in METHODS:
        raise UserError(f'There is no method "{name}". Choose one of: {", ".join(METHODS)}.')
    return METHODS[name].for_network(network)


__all__ = ["METHODS", "PAPER_METHODS", "Method", "Recipe", "get_method"]
