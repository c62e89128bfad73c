"""The lesson: nine steps, one file each, and what a teacher wants to know of them."""

from collections.abc import Callable
from dataclasses import dataclass

from ui.lesson import adversarial, alignment, bounds, chance, drawing, line, proof, ratio, steps_of_pgd
from ui.lesson.course import Lesson


@dataclass(frozen=True)
class Step:
    """One step of the lesson: its title, its page, what to take home, and for the teacher its aim, time and a question."""

    title: str
    show: Callable[[Lesson], None]
    takeaway: str
    aim: str
    seconds: int
    discuss: str


STEPS = (
    Step(
        "What is an attack?",
        chance.show,
        "The size of noise says little: of all noises of one size, nearly all are harmless, and a few flip the reading.",
        "Noise of one size can be harmless or harmful: its direction decides.",
        75,
        "Real recordings are noisy. Why does a network that tolerates muscle noise not tolerate this?",
    ),
    Step(
        "From FGSM to PGD",
        steps_of_pgd.show,
        "An attack climbs the loss within a budget. Asking for the gradient again after small steps finds more than one big step.",
        "An attack is gradient ascent under a constraint; asking for the gradient again pays where the network bends.",
        75,
        "When would FGSM and PGD end at the same point? Would a smaller step always do better?",
    ),
    Step(
        "A straight line nearby",
        line.show,
        "Nearby, the network is a straight line, and exactly so; the first unit that switches ends that, soon.",
        "A ReLU network is exactly linear, but only until the first unit switches.",
        90,
        "The first switch comes at a tiny ε, and yet the line is useful far beyond. Why?",
    ),
    Step(
        "Noise to signal",
        ratio.show,
        "The noise-to-signal ratio compares what noise adds to a logit with the logit itself; its bound is worth as much as the line.",
        "Read eq. 7 to 10 as arithmetic on one beat; know what the bound says and what it leaves out.",
        105,
        "R₂ looks at the right class's logit alone. Write down a bound for the margin instead. Is it tighter?",
    ),
    Step(
        "loss1 and loss2",
        alignment.show,
        "loss1 makes harmful noise look like the beat, loss2 makes it large, both by the line.",
        "Two ways to train against the ratio: noise that must look like a beat, noise that must be large.",
        90,
        "If noise along w_y looks like the beat, can a cardiologist see it? What does the padding do to the angle?",
    ),
    Step(
        "Adversarial training",
        adversarial.show,
        "Adversarial training is as strong as the attack it trains with, and no stronger.",
        "Min-max, and why the inner attack's reach (steps times step size) limits what is learned.",
        75,
        "Which steps and step size would you give adv0.3? What would it cost? Why does attacking less break more?",
    ),
    Step(
        "An attack that fails proves nothing",
        proof.show,
        "An attack that fails proves nothing. What all attacks leave is at most the robustness.",
        "Accuracy under attack is an upper bound on robustness; a certificate is a lower one.",
        105,
        "What would you ask of a paper that reports robustness under one attack? What would you ask of this one?",
    ),
    Step(
        "From attack to proof",
        bounds.show,
        "A bound follows all noise at once, and what it leaves is proved. Training can make proof and attack nearly meet.",
        "Follow the whole box of noise through the network; know why bounds are loose, and how training tightens them.",
        105,
        "Why can no single noise reach all ends of the intervals? What does certified training give up, and is it worth it?",
    ),
    Step(
        "Your noise against PGD's",
        drawing.show,
        "A search by hand finds little where the gradient finds much: of equal size, noise is as harmful as its maker knows the network.",
        "Search for harmful noise by hand, and feel what the gradient is worth.",
        120,
        "How did you use the number to draw better? Which attack does the same, and how many tries may it take?",
    ),
)
MINUTES = round(sum(step.seconds for step in STEPS) / 60)
