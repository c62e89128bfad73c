"""The model card of a checkpoint in Hugging Face's format: front matter for machines, then a page for people.

All of it comes from the checkpoint's card and the results beside it.
"""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from nsr_core.data.beats import BEAT_LENGTH, CLASS_NAMES, FS_HZ
from nsr_core.evaluation.summary import READINGS, reading_title
from nsr_core.models import make_network, parameter_count
from nsr_core.training.card import MODEL_FILE, read_card
from nsr_core.training.config import TrainConfig
from nsr_core.verdict.levels import read_levels
from nsr_core.verdict.masking import load_masking
from nsr_core.verdict.verdict import WHOLE

MODEL_CARD_FILE = "README.md"
DATASET = "MIT-BIH Arrhythmia Database 1.0.0"
#: Attacks whose accuracy goes into the front matter, at this noise level.
TOLD, TOLD_EPS = ("pgd100", WHOLE), 0.1
SPLIT_LIMITS = {
    "beat": "Training and test beats come from the same patients. For a new patient expect much less: see the checkpoints "
    "whose names end in -patient.",
    "patient": "Tested on patients that it was not trained on. There are 22 of them, and hardly any paced beat (class Q).",
}


def model_card(folder: Path) -> str:
    """The text of a checkpoint's README.md."""
    card = read_card(folder)
    config = TrainConfig.from_json(card["config"])
    parts = [
        _front_matter(folder.name, card),
        f"# {config.title}",
        f"Classifies one heartbeat of an ECG into five classes. `{folder.name}`: {_training(card, config)}\n\n"
        "**Research and education only. Not for clinical use.**",
        "## Use",
        _use(folder.name, config),
        "## Data",
        _data(card),
        "## Results",
        _results(folder, card),
        "## Limits",
        _limits(folder, card),
        "## Files and source",
        f"`{MODEL_FILE}`, SHA-256 `{card['weights_sha256']}`. Trained with PyTorch {card['training']['versions']['torch']}, seed "
        f"{config.seed}. The method: Ma & Liang (2020), arXiv:2005.09134, and what the project's documentation says of it. "
        f"The data: {card['data']['citation']}",
    ]
    return "\n\n".join(parts) + "\n"


def _front_matter(name: str, card: dict[str, Any]) -> str:
    results = card["results"]
    metrics = [_metric("Accuracy without noise, equal priors", results["clean"]["acc"])]
    metrics += [
        _metric(f"Accuracy under attack, {reading_title(reading)}, ε = {TOLD_EPS:g}, equal priors", found[TOLD_EPS])
        for reading in TOLD
        if TOLD_EPS in (found := _curve(results["robust"].get(reading, {})))
    ]
    entry = {
        "name": name,
        "results": [
            {
                "task": {"type": "time-series-classification", "name": "ECG heartbeat classification"},
                "dataset": {"type": "mitdb", "name": DATASET, "split": f"test, by {card['split']['name']}"},
                "metrics": metrics,
            }
        ],
    }
    # JSON is YAML, and needs no library to be written.
    lines = {
        "license": "mit",
        "language": "en",
        "tags": ["ecg", "electrocardiogram", "adversarial-robustness", "safetensors", "pytorch"],
        "metrics": ["accuracy"],
        "model-index": [entry],
    }
    body = "\n".join(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in lines.items())
    return f"---\n{body}\n---"


def _metric(name: str, value: float) -> dict[str, Any]:
    return {"type": "accuracy", "name": name, "value": value}


def _training(card: dict[str, Any], config: TrainConfig) -> str:
    count = parameter_count(make_network(config.network, config.bias))
    protocol = "by the paper's protocol" if card["protocol"] == "paper" else "not all by the paper's protocol"
    return f"{count:,} parameters, trained for {config.epochs} epochs, {protocol}."


def _use(name: str, config: TrainConfig) -> str:
    classes = "; ".join(f"{key}: {words.lower()}" for key, words in CLASS_NAMES.items())
    return (
        "For studies of robustness, comparisons, and teaching: every beat and number can be looked at in the project's app.\n\n"
        "```python\n"
        "from nsr_core.data import load_beats\n"
        "from nsr_core.training.checkpoint import load_checkpoint\n"
        "import torch\n\n"
        f'network = load_checkpoint("{name}").network\n'
        'logits = network(torch.from_numpy(load_beats("demo").x))\n'
        "```\n\n"
        f"Input: (batch, {BEAT_LENGTH}) float32, a beat from its R peak on at {FS_HZ:g} Hz, scaled to [0, 1] and padded with zeros. "
        f"Output: (batch, {len(CLASS_NAMES)}) logits, in this order. {classes}."
    )


def _data(card: dict[str, Any]) -> str:
    split = card["split"]
    return (
        f"{DATASET}: {card['data']['beats']:,} beats of 48 records, one lead each. The split by {split['name']} "
        f"(`{split['fingerprint']}`) has {split['train']:,} beats for training, {split['validation']:,} for validation and "
        f"{split['test']:,} for testing. No record is part of this project."
    )


def _results(folder: Path, card: dict[str, Any]) -> str:
    clean = card["results"]["clean"]
    beats = _which_beats(card)
    natural = f", {clean['acc_natural']:.3f} at natural class frequencies" if "acc_natural" in clean else ""
    text = (
        f"Accuracy over {clean['beats']:,} test beats, without noise: {clean['acc']:.3f} at equal priors{natural}. Under attack, at "
        "equal priors, by noise level ε in units of the beat's range (the median beat spans 2 mV, so that ε = 0.1 is about 0.2 mV):"
    )
    return f'{text}\n\n{_table(folder, card)}\n\n{beats}\n\nAn attack that fails proves nothing; only the row "proved" is a guarantee.'


def _table(folder: Path, card: dict[str, Any]) -> str:
    robust = card["results"]["robust"]
    curves = {reading: _curve(found) for reading, found in robust.items()}
    levels = sorted({eps for curve in curves.values() for eps in curve if eps > 0})
    lines = [
        f"| attack | protocol | {' | '.join(f'{eps:g}' for eps in levels)} |",
        "| --- | --- |" + " ---: |" * len(levels),
    ]
    for reading, curve in curves.items():
        cells = [f"{curve[eps]:.3f}" if eps in curve else "" for eps in levels]
        lines.append(f"| {reading_title(reading)} | {robust[reading]['protocol']} | {' | '.join(cells)} |")
    proved = _proved(read_levels(folder))
    if proved:
        cells = [f"{proved[eps]:.3f}" if eps in proved else "" for eps in levels]
        lines.append(
            f"| proved: no noise changes the prediction | {card['results']['certificates']['method']['name']} | {' | '.join(cells)} |"
        )
    return "\n".join(lines)


def _curve(found: dict[str, Any]) -> dict[float, float]:
    return dict(zip(found.get("eps", []), found.get("acc", []), strict=True))


def _proved(levels: pd.DataFrame | None) -> dict[float, float]:
    there = pd.DataFrame({"eps": [], "proved": []}) if levels is None else levels.dropna(subset=["proved"])
    return dict(zip(there["eps"].tolist(), there["proved"].tolist(), strict=True))


def _which_beats(card: dict[str, Any]) -> str:
    """Which beats each attack met."""
    results = card["results"]
    of = {name: (READINGS[name].attack if name in READINGS else name) for name in results["robust"]}
    lines = [f"- {reading_title(name)}: {results['attacks'][attack]['beats']}." for name, attack in of.items()]
    if "certificates" in results:
        lines.append(f"- Proved: {results['certificates']['beats']}.")
    return "Beats:\n\n" + "\n".join(lines)


def _limits(folder: Path, card: dict[str, Any]) -> str:
    check = load_masking(folder)
    lines = [
        SPLIT_LIMITS[card["split"]["name"]],
        "One database of 48 half-hour records from 1975 to 1979; one lead; beats cut at known R peaks. Other devices, leads and "
        "populations were not tested.",
        *([f"Gradient masking check: {check.light}. {check.verdict}"] if check else []),
        *card.get("notes", []),
    ]
    return "\n".join(f"- {line}" for line in lines)
