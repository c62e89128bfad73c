"""What the paper leaves open or what is done otherwise here, and why."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Deviation:
    """Something that the paper leaves open or that we do otherwise.

    Attributes:
        topic: what it concerns.
        paper, here: what the paper (or its authors' code) does, and what we do.
        why: the reason, and what follows from it.
    """

    topic: str
    paper: str
    here: str
    why: str


DEVIATIONS = (
    Deviation(
        "Which beats test",
        "The published data set does not say how it was split.",
        "Cut anew from the 48 records, with the published class counts and a random split of our own.",
        "The test beats are not the paper's, so small differences may come from the draw alone.",
    ),
    Deviation(
        "Equal classes in testing",
        "Rare classes are repeated until all classes are equally large, then all rows are attacked.",
        "Each distinct beat is attacked once, and each class weighs the same.",
        "A quarter of the work for the same ACC and PREC; they may differ in the fourth decimal.",
    ),
    Deviation(
        "Kernels",
        "The text is silent; the authors' code scales kernels to unit length and restarts dead ones.",
        "As in the code, which leaves out some layers, and the MLP's ce and adv altogether.",
        "Where the text is silent we follow the code.",
    ),
    Deviation(
        "Weight decay",
        "The text is silent; the code shrinks the weights of ce and jacob (and of adv on the CNN) a little at each step.",
        "As in the code.",
        "The published ce row looks like training without it: see the note on ce below.",
    ),
    Deviation(
        "Margin term",
        "Equation 5 sums over all other classes.",
        "Averaged over the pairs that violate the margin.",
        "Follows the authors' code; its size does not depend on how many pairs there are.",
    ),
    Deviation(
        "loss1",
        "Equation 3 drops the bias terms because they are small.",
        "The network has none at all.",
        "Then equation 3 holds exactly.",
    ),
    Deviation(
        "loss2",
        "Equation 9 divides by |z_y|; the text sets ε_max to 1, the code ran 0.4 (MLP) and 0.3 (CNN).",
        "Divides by max(z_y, 0) + 0.01, as in the code; ε_max is 1, as in the text.",
        "Where text and code disagree the text wins; the 0.01 keeps the ratio finite.",
    ),
    Deviation(
        "jacob",
        "Cites a penalty on the Frobenius norm of the Jacobian.",
        "The L1 norm of its rows, as in the code.",
        "The text leaves the form open; the code does not.",
    ),
    Deviation(
        "adv0.2 and adv0.3",
        "Ten training attack steps of 0.01 against noise up to 0.2 and 0.3.",
        "The same.",
        "Ten such steps travel 0.1 at most, so the training attack cannot use its budget.",
    ),
    Deviation(
        "PGD",
        "Equation 12 adds the sign of the gradient; the code feeds that sign to the optimiser Adamax.",
        "As in the code. The plain step is there too, as the attack pgd-sign.",
        "The text does not say how the steps add up; the code does.",
    ),
    Deviation(
        "SPSA",
        "2,048 samples for each gradient estimate; where the attack starts is not said.",
        "1,024 random sign vectors in ± pairs, shared by all beats of a step, from a random start inside the budget.",
        "Each beat's estimate keeps its distribution; the start is that of PGD.",
    ),
    Deviation(
        "More noise, more right",
        "Each noise level stands alone, so a beat that is broken at 0.05 can count as right at 0.1.",
        "The same on this page. Everywhere else such a beat stays broken.",
        "The larger budget contains the smaller; the attack merely missed. Those beats are counted as mended.",
    ),
)
