"""``list``: what there is to train, attack and look at."""

import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from nsr_core.cli.options import INCLUDED, Checkpoints
from nsr_core.cli.output import AsJson, columns, emit
from nsr_core.data import SOURCES, SPLITS
from nsr_core.errors import UserError
from nsr_core.files import Note, cache_dir
from nsr_core.settings import described_fields
from nsr_core.training.card import list_checkpoints, read_card


def list_all(
    checkpoints: Checkpoints = INCLUDED,
    as_json: AsJson = False,
) -> None:
    """Show the networks, methods and attacks with their settings, the data sources, and the checkpoints."""
    found = {folder.name: _headline(folder) for folder in list_checkpoints(checkpoints)}
    value = _tables() | {"sources": list(SOURCES), "splits": list(SPLITS), "checkpoints": found}
    emit(value, _tell(value), as_json)


def _tables() -> dict[str, Any]:
    """Networks, methods, attacks and settings; kept until a file of the program changes, since torch takes long to import."""
    if "torch" in sys.modules:
        return _make_tables()
    package = Path(__file__).parents[1]
    stats = [(str(path), stat.st_size, stat.st_mtime_ns) for path in package.rglob("*.py") for stat in [path.stat()]]
    kept = Note(cache_dir() / "list.json", {"files": sorted(stats)})
    if found := kept.read():
        tables: dict[str, Any] = found["tables"]
        return tables
    tables = _make_tables()
    with suppress(OSError):
        kept.write(tables=tables)
    return tables


def _make_tables() -> dict[str, Any]:
    from nsr_core.attacks import ATTACKS
    from nsr_core.methods import METHODS
    from nsr_core.models import NETWORKS, make_network, parameter_count
    from nsr_core.recordings.formats import described
    from nsr_core.training.config import TrainConfig

    return {
        "networks": {name: parameter_count(make_network(name)) for name in NETWORKS},
        "methods": {name: _describe(method) for name, method in METHODS.items()},
        "attacks": {name: _describe(attack) for name, attack in ATTACKS.items()},
        "training": _settings(TrainConfig()),
        "recordings": described(),
    }


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
            for found in (results.get("robust", {}).get(attack, {}) for attack in ("pgd100", "worst-case"))
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
        "RECORDINGS",
        *(f"  {each['title']} ({each['endings']}): {each['reads']}" for each in value["recordings"]),
        "",
        "CHECKPOINTS",
    ]
    rows = [(name, *map(_cell, entry.values())) for name, entry in value["checkpoints"].items() if "error" not in entry]
    header = ("name", "protocol", "clean ACC", "at 0.1 under 100-PGD, cumulative over ε", "at 0.1, worst case")
    parts.append(columns(rows, header) if rows else "  none here")
    parts += [f"{name}: {entry['error']}" for name, entry in value["checkpoints"].items() if "error" in entry]
    return "\n".join(parts)


def _cell(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value or "-")
