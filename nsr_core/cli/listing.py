"""``list``: what there is to train, attack and look at."""

from pathlib import Path
from typing import Annotated, Any

import typer

from nsr_core.attacks import ATTACKS
from nsr_core.cli.output import AsJson, columns, emit
from nsr_core.data import SOURCES, SPLITS
from nsr_core.errors import UserError
from nsr_core.methods import METHODS
from nsr_core.models import NETWORKS, make_network, parameter_count
from nsr_core.recordings.formats import described
from nsr_core.settings import described_fields
from nsr_core.training.checkpoint import list_checkpoints, read_card
from nsr_core.training.config import TrainConfig
from nsr_core.verdict.verdict import WHOLE


def list_all(
    checkpoints: Annotated[Path, typer.Option(help="Folder of checkpoints.")] = Path("checkpoints"),
    as_json: AsJson = False,
) -> None:
    """Show the networks, methods and attacks with their settings, the data sources, and the checkpoints."""
    value = {
        "networks": {name: parameter_count(make_network(name)) for name in NETWORKS},
        "methods": {name: _describe(method) for name, method in METHODS.items()},
        "attacks": {name: _describe(attack) for name, attack in ATTACKS.items()},
        "training": _settings(TrainConfig()),
        "sources": list(SOURCES),
        "splits": list(SPLITS),
        "recordings": described(),
        "checkpoints": {folder.name: _headline(folder) for folder in list_checkpoints(checkpoints)},
    }
    emit(value, _tell(value), as_json)


def _describe(item: Any) -> dict[str, Any]:
    return {"title": item.title, "summary": item.summary, "settings": _settings(item)}


def _settings(item: Any) -> dict[str, Any]:
    return {
        name: {
            "value": getattr(item, name),
            "low": info.low,
            "high": info.high,
            "choices": list(info.choices),
            "help": info.help,
        }
        for name, (_, info) in described_fields(item).items()
    }


def _headline(folder: Path) -> dict[str, Any]:
    try:
        card = read_card(folder)
        results = card["results"]
        at, worst = (
            dict(zip(found.get("eps", []), found.get("acc", []), strict=True))
            for found in (results.get("robust", {}).get(attack, {}) for attack in ("pgd100", WHOLE))
        )
        return {
            "protocol": card["protocol"],
            "clean_acc": results.get("clean", {}).get("acc"),
            "pgd100_acc_at_0.1": at.get(0.1),
            "worst_case_acc_at_0.1": worst.get(0.1),
        }
    except (UserError, KeyError) as error:
        return {"error": str(error)}


def _tell(value: dict[str, Any]) -> str:
    parts = ["NETWORKS", *(f"  {name}  {count:,} parameters" for name, count in value["networks"].items())]
    for kind in ("methods", "attacks"):
        parts += ["", kind.upper()]
        for name, item in value[kind].items():
            own = ", ".join(f"{key}={entry['value']}" for key, entry in item["settings"].items())
            parts.append(
                f"  {name:<10} {item['title']}: {item['summary']}" + (f"\n             settings: {own}" if own else "")
            )
    parts += [
        "",
        "DATA",
        f"  sources: {', '.join(value['sources'])}   splits: {', '.join(value['splits'])}",
        "",
        "CHECKPOINTS",
    ]
    rows = [(name, *map(_cell, entry.values())) for name, entry in value["checkpoints"].items() if "error" not in entry]
    header = ("name", "protocol", "clean ACC", "at 0.1 under 100-PGD, more noise never helping", "at 0.1, worst case")
    parts.append(columns(rows, header) if rows else "  none here")
    parts += [f"{name}: {entry['error']}" for name, entry in value["checkpoints"].items() if "error" in entry]
    return "\n".join(parts)


def _cell(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value or "-")
