"""The plain implementation: yardstick of the benchmarks and oracle of the tests. Slow on purpose.

Everything here is written from the protocol's description alone and imports nothing from ``nsr_core``, so that
agreement between the two means something, and so that a speed-up is measured against code that somebody would
write first. Hence:

* gradients with respect to the beats class by class, one call each: for loss1 and loss2 the class's own samples,
  for jacob all samples and all classes;
* a second forward pass for each regulariser, although the first one has the same logits;
* kernels normalised in every training step;
* attacks carry the whole batch to the last step, stopped samples included (no compaction);
* the test set is tiled row by row, not weighted.

Do not make it faster. All functions work on CPU tensors of any floating type; float64 is meant for comparing.
Nothing draws random numbers except the initial weights of the networks: starts and directions are passed in.

Shapes: ``n`` samples, ``d`` = 187 points per beat, ``c`` = 5 classes. ``x``: (n, d) in [0, 1]; ``y``: (n,) int64;
logits ``z``: (n, c). A ``model`` is anything that maps ``x`` to ``z``, sample by sample.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LEARNING_RATE = 0.001
DECAY = 0.01
PGD_RATE = 0.01

METHODS = ("ce", "mse", "mseMargin", "loss1", "loss2", "jacob", "adv0.1", "adv0.2", "adv0.3")

# What an attack reports instead of a number of steps.
CLEAN_WRONG = -2
NEVER = -1


# Networks


class PlainMLP(nn.Module):
    """187-128-128-128-32-5, ReLU after the first three layers only; 61,381 parameters with bias."""

    def __init__(self, bias: bool = True) -> None:
        super().__init__()
        self.layer1 = nn.Linear(187, 128, bias=bias)
        self.layer2 = nn.Linear(128, 128, bias=bias)
        self.layer3 = nn.Linear(128, 128, bias=bias)
        self.layer4 = nn.Linear(128, 32, bias=bias)
        self.layer5 = nn.Linear(32, 5, bias=bias)
        initialise_(self)

    def forward(self, x: Tensor) -> Tensor:
        """(n, 187) -> logits (n, 5)."""
        h = F.relu(self.layer1(x))
        h = F.relu(self.layer2(h))
        h = F.relu(self.layer3(h))
        h = self.layer4(h)
        return self.layer5(h)


class PlainBlock(nn.Module):
    """conv-ReLU-conv, plus the block's input, ReLU, max-pool 5 stride 2. (n, 32, l) -> (n, 32, (l - 5) // 2 + 1)."""

    def __init__(self, bias: bool = True) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(32, 32, kernel_size=5, padding=2, bias=bias)
        self.conv2 = nn.Conv1d(32, 32, kernel_size=5, padding=2, bias=bias)

    def forward(self, h: Tensor) -> Tensor:
        """(n, 32, l) -> (n, 32, (l - 5) // 2 + 1)."""
        r = F.relu(self.conv1(h))
        r = self.conv2(r)
        r = F.relu(r + h)
        return F.max_pool1d(r, kernel_size=5, stride=2)


class PlainCNN(nn.Module):
    """The network of Kachuee et al.: a convolution, five residual blocks, two linear layers; 53,957 parameters.

    Lengths: 187 -> 187 (conv, no ReLU) -> 92 -> 44 -> 20 -> 8 -> 2 (blocks) -> 64 features.
    """

    def __init__(self, bias: bool = True) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, 32, kernel_size=5, padding=2, bias=bias)
        self.block1 = PlainBlock(bias)
        self.block2 = PlainBlock(bias)
        self.block3 = PlainBlock(bias)
        self.block4 = PlainBlock(bias)
        self.block5 = PlainBlock(bias)
        self.linear1 = nn.Linear(64, 32, bias=bias)
        self.linear2 = nn.Linear(32, 5, bias=bias)
        initialise_(self)

    def forward(self, x: Tensor) -> Tensor:
        """(n, 187) -> logits (n, 5)."""
        h = self.conv(x.reshape(x.shape[0], 1, x.shape[1]))
        h = self.block1(h)
        h = self.block2(h)
        h = self.block3(h)
        h = self.block4(h)
        h = self.block5(h)
        h = h.reshape(h.shape[0], 64)
        h = F.relu(self.linear1(h))
        return self.linear2(h)


def kind_of(model: nn.Module) -> str:
    """``"mlp"`` or ``"cnn"``."""
    if isinstance(model, PlainMLP):
        return "mlp"
    if isinstance(model, PlainCNN):
        return "cnn"
    raise TypeError(f"not a reference network: {type(model).__name__}")


def copy_parameters(src: nn.Module, dst: nn.Module) -> None:
    """Copy the parameters of ``src`` into ``dst`` in the order in which the modules list them."""
    sources, targets = list(src.parameters()), list(dst.parameters())
    if [tuple(p.shape) for p in sources] != [tuple(p.shape) for p in targets]:
        raise ValueError("the two modules list different parameter shapes")
    with torch.no_grad():
        for source, target in zip(sources, targets, strict=True):
            target.copy_(source)


# Kernel normalisation


def normalised_layers(model: nn.Module) -> list[nn.Linear | nn.Conv1d]:
    """The layers that training normalises. MLP: all but the last. CNN: first conv, blocks 1-4, both linear layers."""
    if isinstance(model, PlainMLP):
        return [model.layer1, model.layer2, model.layer3, model.layer4]
    if isinstance(model, PlainCNN):
        blocks = (model.block1, model.block2, model.block3, model.block4)
        convolutions = (conv for block in blocks for conv in (block.conv1, block.conv2))
        return [model.conv, *convolutions, model.linear1, model.linear2]
    raise TypeError(f"not a reference network: {type(model).__name__}")


def normalise_layer_(layer: nn.Linear | nn.Conv1d) -> None:
    """Scale each output kernel of a layer to unit L2 norm, and its bias by the same factor; zero kernels stay."""
    with torch.no_grad():
        rows = layer.weight.reshape(layer.weight.shape[0], -1)
        norm = (rows * rows).sum(dim=1).sqrt()
        norm = torch.where(norm == 0, torch.ones_like(norm), norm)
        layer.weight.copy_((rows / norm.reshape(-1, 1)).reshape(layer.weight.shape))
        if layer.bias is not None:
            layer.bias.copy_(layer.bias / norm)


def normalise_kernels_(model: nn.Module) -> None:
    """Normalise the layers that training normalises, in place."""
    for layer in normalised_layers(model):
        normalise_layer_(layer)


def initialise_(model: nn.Module) -> None:
    """At construction: every layer normalised (the last one and block 5 too), every bias 0."""
    for layer in model.modules():
        if isinstance(layer, nn.Linear | nn.Conv1d):
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
            normalise_layer_(layer)


# Losses: a scalar for a batch


def ce(model: Callable[[Tensor], Tensor], x: Tensor, y: Tensor) -> Tensor:
    """Cross-entropy, averaged over the batch."""
    return F.cross_entropy(model(x), y)


def squared_error(z: Tensor, y: Tensor) -> Tensor:
    """Mean over the batch of the squared distance of logits (n, c) to the one-hot label."""
    total = z.new_zeros(())
    for k in range(z.shape[1]):
        target = (y == k).to(z.dtype)
        total = total + ((z[:, k] - target) ** 2).sum()
    return total / z.shape[0]


def margin(z: Tensor, y: Tensor) -> Tensor:
    """Mean of h = 1 - z_y + z_i over the pairs (correctly classified sample, i != y) with h > 0; 0 without any."""
    correct = z.argmax(dim=1) == y
    z_y = z.gather(1, y.reshape(-1, 1)).reshape(-1)
    total, pairs = z.new_zeros(()), 0
    for i in range(z.shape[1]):
        rows = correct & (y != i)
        h = 1 - z_y[rows] + z[rows, i]
        total = total + h[h > 0].sum()
        pairs += int((h > 0).sum())
    return total / pairs if pairs else z.new_zeros(())


def mse(model: Callable[[Tensor], Tensor], x: Tensor, y: Tensor) -> Tensor:
    """Mean over the batch of the sum over classes of (z - onehot)^2."""
    return squared_error(model(x), y)


def mse_margin(model: Callable[[Tensor], Tensor], x: Tensor, y: Tensor) -> Tensor:
    """``mse`` plus the margin on correctly classified samples."""
    z = model(x)
    return squared_error(z, y) + margin(z, y)


def loss1(model: Callable[[Tensor], Tensor], x: Tensor, y: Tensor, beta: float = 0.2) -> Tensor:
    """``mse_margin`` plus beta times the mean over correctly classified of ||dz_y/dx - x/(||x||^2 + 1e-8)||_2^2."""
    z = model(x)
    correct = z.argmax(dim=1) == y
    return squared_error(z, y) + margin(z, y) + beta * signal_alignment(model, x, y, correct)


def signal_alignment(model: Callable[[Tensor], Tensor], x: Tensor, y: Tensor, correct: Tensor) -> Tensor:
    """R1 of the paper (gamma = 1), averaged over the samples marked in ``correct`` (n,); 0 without any."""
    total = x.new_zeros(())
    for k in range(5):
        rows = correct & (y == k)
        if not bool(rows.any()):
            continue
        _, w = own_gradient(model, x[rows], k)
        target = x[rows] / ((x[rows] ** 2).sum(dim=1, keepdim=True) + 1e-8)
        total = total + ((w - target) ** 2).sum()
    return total / max(int(correct.sum()), 1)


def loss2(model: Callable[[Tensor], Tensor], x: Tensor, y: Tensor, beta: float = 0.5, eps_max: float = 1.0) -> Tensor:
    """``mse_margin`` plus beta times the mean over correctly classified of log(1 + noise-to-signal ratio)."""
    z = model(x)
    correct = z.argmax(dim=1) == y
    return squared_error(z, y) + margin(z, y) + beta * noise_to_signal(model, x, y, correct, eps_max)


def noise_to_signal(
    model: Callable[[Tensor], Tensor], x: Tensor, y: Tensor, correct: Tensor, eps_max: float = 1.0
) -> Tensor:
    """Mean over ``correct`` (n,) of log(1 + ||dz_y/dx||_1 eps_max / (max(z_y, 0) + 0.01)); 0 without any."""
    total = x.new_zeros(())
    for k in range(5):
        rows = correct & (y == k)
        if not bool(rows.any()):
            continue
        z_k, w = own_gradient(model, x[rows], k)
        noise = w.abs().sum(dim=1) * eps_max
        signal = F.relu(z_k) + 0.01
        total = total + torch.log(1 + noise / signal).sum()
    return total / max(int(correct.sum()), 1)


def own_gradient(model: Callable[[Tensor], Tensor], x: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """A second forward pass, for the rows of one class: z_k (m,) and dz_k/dx (m, d), both differentiable."""
    x = x.detach().clone().requires_grad_(True)
    z_k = model(x)[:, k]
    (w,) = torch.autograd.grad(z_k.sum(), x, create_graph=True)
    return z_k, w


def jacob(model: Callable[[Tensor], Tensor], x: Tensor, y: Tensor, beta: float) -> Tensor:
    """Cross-entropy plus beta times the sum of |dz_k/dx| over classes, samples and points / (batch times points)."""
    return ce(model, x, y) + beta * jacobian_size(model, x)


def jacobian_size(model: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Sum over k of ||dz_k/dx||_1, over all samples, divided by n times d."""
    x = x.detach().clone().requires_grad_(True)
    z = model(x)
    total = z.new_zeros(())
    for k in range(z.shape[1]):
        (w,) = torch.autograd.grad(z[:, k].sum(), x, create_graph=True)
        total = total + w.abs().sum()
    return total / (x.shape[0] * x.shape[1])


def adv(model: Callable[[Tensor], Tensor], x: Tensor, y: Tensor, x_adv: Tensor) -> Tensor:
    """Half the cross-entropy of the clean batch plus half that of its adversarial examples ``x_adv`` (n, d)."""
    return 0.5 * ce(model, x, y) + 0.5 * ce(model, x_adv.detach(), y)


# Training


def jacob_beta(kind: str) -> float:
    """0.9 for the MLP, 0.7 for the CNN."""
    return {"mlp": 0.9, "cnn": 0.7}[kind]


def has_normalisation(method: str, kind: str) -> bool:
    """Kernels are normalised except for MLP ``ce`` and MLP ``adv``."""
    return not (kind == "mlp" and (method == "ce" or method.startswith("adv")))


def has_decay(method: str, kind: str) -> bool:
    """Weight decay: ``ce``, ``jacob`` and CNN ``adv``."""
    return method in ("ce", "jacob") or (kind == "cnn" and method.startswith("adv"))


def has_bias(method: str) -> bool:
    """Bias terms: all methods but ``loss1``."""
    return method != "loss1"


def decay_weights_(model: nn.Module, lr: float = LEARNING_RATE, decay: float = DECAY) -> None:
    """All parameters, in place: p -= lr decay sign(p), then p -= lr decay p."""
    with torch.no_grad():
        for p in model.parameters():
            p.sub_(lr * decay * p.sign())
            p.sub_(lr * decay * p)


def new_optimiser(model: nn.Module, lr: float = LEARNING_RATE) -> torch.optim.Adamax:
    """Adamax with torch's default constants and no weight decay of its own."""
    return torch.optim.Adamax(model.parameters(), lr=lr)


def adversarial_examples(
    model: Callable[[Tensor], Tensor],
    x: Tensor,
    y: Tensor,
    eps: float,
    start: Tensor,
    steps: int = 10,
    step_size: float = 0.01,
) -> Tensor:
    """Training examples of ``adv``: sign steps up the cross-entropy from x + start, inside ±eps and [0, 1].

    ``start`` (n, d) lies within ±eps. Every sample takes every step, misclassified or not. Returns (n, d).
    """
    x_adv = (x + start.clamp(-eps, eps)).clamp(0, 1)
    for _ in range(steps):
        _, slope = input_gradient(model, x_adv, y)
        x_adv = x_adv + step_size * slope.sign()
        x_adv = (x + (x_adv - x).clamp(-eps, eps)).clamp(0, 1)
    return x_adv


def input_gradient(model: Callable[[Tensor], Tensor], x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Predicted labels (n,), and the gradient (n, d) of each sample's own cross-entropy with respect to that sample."""
    x = x.detach().clone().requires_grad_(True)
    z = model(x)
    (slope,) = torch.autograd.grad(F.cross_entropy(z, y, reduction="sum"), x)
    return z.argmax(dim=1), slope


def batch_loss(
    method: str, kind: str, model: Callable[[Tensor], Tensor], x: Tensor, y: Tensor, start: Tensor | None = None
) -> Tensor:
    """The loss of a method with the protocol's constants; ``start`` (n, d) is what ``adv`` begins from."""
    if method == "ce":
        return ce(model, x, y)
    if method == "mse":
        return mse(model, x, y)
    if method == "mseMargin":
        return mse_margin(model, x, y)
    if method == "loss1":
        return loss1(model, x, y)
    if method == "loss2":
        return loss2(model, x, y)
    if method == "jacob":
        return jacob(model, x, y, jacob_beta(kind))
    if method.startswith("adv"):
        if start is None:
            raise ValueError("adv needs a start")
        x_adv = adversarial_examples(model, x, y, float(method.removeprefix("adv")), start)
        return adv(model, x, y, x_adv)
    raise ValueError(f"unknown method: {method}")


def train_step(
    method: str,
    model: nn.Module,
    optimiser: torch.optim.Adamax,
    x: Tensor,
    y: Tensor,
    start: Tensor | None = None,
) -> float:
    """One step: normalise kernels, loss, gradients, weight decay, Adamax. Returns the loss before the step.

    The kernels are normalised first of all, so that ``adv`` makes its examples with the normalised network.
    """
    kind = kind_of(model)
    if has_normalisation(method, kind):
        normalise_kernels_(model)
    optimiser.zero_grad()
    loss = batch_loss(method, kind, model, x, y, start)
    loss.backward()
    if has_decay(method, kind):
        decay_weights_(model, lr=optimiser.param_groups[0]["lr"])
    optimiser.step()
    return float(loss.detach())


# Attacks


def predict(model: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Predicted labels (n,)."""
    with torch.no_grad():
        return model(x).argmax(dim=1)


def project(x: Tensor, noise: Tensor, eps: float) -> Tensor:
    """Noise (n, d) clipped to ±eps, and then so that x + noise lies in [0, 1]."""
    noise = noise.clamp(-eps, eps)
    return (x + noise).clamp(0, 1) - x


def pgd_eval(
    model: Callable[[Tensor], Tensor], x: Tensor, y: Tensor, eps: float, steps: int, start: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """PGD as the paper evaluates with it: the sign of the cross-entropy's gradient, fed to Adamax on the noise.

    ``start`` (n, d) lies within ±eps. A sample stops once it is misclassified, the start itself included; samples
    that are misclassified without noise are left alone. No compaction: every step computes every sample.

    Returns ``x_adv`` (n, d), the predicted label at ``x_adv`` (n,) and the step of first success (n,): the number of
    updates made when the sample was first misclassified, 0 for the start, ``NEVER``, or ``CLEAN_WRONG``.
    """
    clean_label = predict(model, x)
    attacked = clean_label == y
    first = torch.where(attacked, NEVER, CLEAN_WRONG)
    noise = nn.Parameter(project(x, start, eps))
    with torch.no_grad():
        noise[~attacked] = 0
    optimiser = torch.optim.Adamax([noise], lr=PGD_RATE)
    for step in range(steps):
        before = noise.detach().clone()
        label, slope = input_gradient(model, x + before, y)
        first[(first == NEVER) & (label != y)] = step
        noise.grad = -slope.sign()
        optimiser.step()
        with torch.no_grad():
            noise.copy_(project(x, noise, eps))
            noise[first != NEVER] = before[first != NEVER]
    x_adv = x + noise.detach()
    x_adv[~attacked] = x[~attacked]
    label = torch.where(attacked, predict(model, x_adv), clean_label)
    first[(first == NEVER) & (label != y)] = steps
    return x_adv, label, first


def logit_gap(model: Callable[[Tensor], Tensor], x: Tensor, label: int) -> Tensor:
    """z_label minus the largest other logit, for each row of x (m, d). Returns (m,)."""
    with torch.no_grad():
        z = model(x)
    others = [z[:, k] for k in range(z.shape[1]) if k != label]
    largest = others[0]
    for other in others[1:]:
        largest = torch.maximum(largest, other)
    return z[:, label] - largest


def spsa_eval(
    model: Callable[[Tensor], Tensor],
    x: Tensor,
    y: Tensor,
    eps: float,
    directions: Callable[[int, int], Tensor],
    start: Tensor | None = None,
    iterations: int = 100,
    delta: float = 0.01,
) -> tuple[Tensor, Tensor, Tensor]:
    """SPSA as the paper evaluates with it, one sample after the other.

    ``directions(sample, iteration)`` returns the ±1 directions (m, d) of one iteration, m = 1024 in the protocol;
    each is tried forwards and backwards from the present noise (2m evaluations, not clipped). ``start`` (n, d) is
    zero unless given. Iterations count from 0. Returns the same three tensors as ``pgd_eval``.
    """
    x_adv, label = x.clone(), predict(model, x)
    first = torch.where(label == y, NEVER, CLEAN_WRONG)
    for i in range(x.shape[0]):
        if first[i] == CLEAN_WRONG:
            continue
        beat, truth = x[i : i + 1], int(y[i])
        begin = torch.zeros_like(beat) if start is None else start[i : i + 1]
        noise = nn.Parameter(project(beat, begin, eps))
        optimiser = torch.optim.Adamax([noise], lr=PGD_RATE)
        for step in range(iterations + 1):
            here = beat + noise.detach()
            x_adv[i], label[i] = here[0], predict(model, here)[0]
            if label[i] != truth:
                first[i] = step
                break
            if step == iterations:
                break
            v = directions(i, step).to(x.dtype)
            rise = logit_gap(model, here + delta * v, truth) - logit_gap(model, here - delta * v, truth)
            estimate = (rise.reshape(-1, 1) / (2 * delta) * v).mean(dim=0, keepdim=True)
            noise.grad = estimate.sign()
            optimiser.step()
            with torch.no_grad():
                noise.copy_(project(beat, noise, eps))
    return x_adv, label, first


# Class balance and metrics


def tile_to_balance(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Repeat the rows of each class, in turn and from the first again, up to the size of the largest class.

    The last round of a class may be incomplete, so that its first rows occur once more than its last ones.
    Returns class after class: x (m, d) and y (m,), with m = number of classes present times the largest count.
    """
    classes = sorted(set(y.tolist()))
    largest = max(int((y == k).sum()) for k in classes)
    rows: list[int] = []
    for k in classes:
        members = torch.nonzero(y == k).reshape(-1).tolist()
        rows.extend(members[j % len(members)] for j in range(largest))
    index = torch.tensor(rows)
    return x[index], y[index]


def confusion(y: Tensor, label: Tensor, classes: int = 5) -> Tensor:
    """Counts (c, c), float64: row = true class, column = predicted label."""
    counts = torch.zeros(classes, classes, dtype=torch.float64)
    for true in range(classes):
        for predicted in range(classes):
            counts[true, predicted] = int(((y == true) & (label == predicted)).sum())
    return counts


def acc(counts: Tensor) -> float:
    """Share of the diagonal of a confusion matrix of the tiled set; there, the mean of the recalls."""
    return float(counts.diagonal().sum() / counts.sum())


def prec(counts: Tensor) -> float:
    """Mean over classes of the precision: diagonal over column sum; an empty column gives 0."""
    total = 0.0
    for k in range(counts.shape[0]):
        column = float(counts[:, k].sum())
        if column > 0:
            total += float(counts[k, k]) / column
    return total / counts.shape[0]
