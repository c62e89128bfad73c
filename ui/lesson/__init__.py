"""The lesson: seven steps, one file each, and what a teacher wants to know of them."""

from collections.abc import Callable
from dataclasses import dataclass

from ui.lesson import adversarial, alignment, chance, line, proof, ratio, steps_of_pgd
from ui.lesson.course import Lesson


@dataclass(frozen=True)
class Step:
    """One step of the lesson: its title, its page, and for the teacher its aim, its time and a question to discuss."""

    title: str
    show: Callable[[Lesson], None]
    aim: str
    seconds: int
    discuss: str


STEPS = (
    Step(
        "What is an attack?",
        chance.show,
        "Noise of one size can be harmless or harmful: its direction decides.",
        75,
        "Real recordings are noisy. Why does a network that tolerates muscle noise not tolerate this?",
    ),
    Step(
        "From FGSM to PGD",
        steps_of_pgd.show,
        "An attack is gradient ascent under a constraint; asking for the gradient again pays where the network bends.",
        75,
        "When would FGSM and PGD end at the same point? Would a smaller step always do better?",
    ),
    Step(
        "A straight line nearby",
        line.show,
        "A ReLU network is exactly linear, but only until the first unit switches.",
        90,
        "The first switch comes at a tiny ε, and yet the line is useful far beyond. Why?",
    ),
    Step(
        "Noise to signal",
        ratio.show,
        "Read eq. 7 to 10 as arithmetic on one beat; know what the bound says and what it leaves out.",
        105,
        "R₂ looks at the right class's logit alone. Write down a bound for the margin instead. Is it tighter?",
    ),
    Step(
        "loss1 and loss2",
        alignment.show,
        "Two ways to train against the ratio: noise that must look like a beat, noise that must be large.",
        90,
        "If noise along w_y looks like the beat, can a cardiologist see it? What does the padding do to the angle?",
    ),
    Step(
        "Adversarial training",
        adversarial.show,
        "Min-max, and why the inner attack's reach (steps times step size) limits what is learned.",
        75,
        "Which steps and step size would you give adv0.3? What would it cost? Why does attacking less break more?",
    ),
    Step(
        "An attack that fails proves nothing",
        proof.show,
        "Accuracy under attack is an upper bound on robustness; a certificate is a lower one.",
        105,
        "What would you ask of a paper that reports robustness under one attack? What would you ask of this one?",
    ),
)
MINUTES = round(sum(step.seconds for step in STEPS) / 60)
