"""Write the model card beside each included checkpoint, and the data card of the beats.

python -m docs.write_cards
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from docs.data_card import data_card
from docs.model_cards import MODEL_CARD_FILE, model_card
from nsr_core.training.card import list_checkpoints

ROOT = Path(__file__).resolve().parents[1]
CARDS: dict[Path, Callable[[], str]] = {
    **{folder / MODEL_CARD_FILE: partial(model_card, folder) for folder in list_checkpoints(ROOT / "checkpoints")},
    ROOT / "docs" / "heartbeats.croissant.json": data_card,
}


def main() -> None:
    for path, make in CARDS.items():
        new = make()
        old = path.read_text() if path.exists() else None
        print(f"{path.relative_to(ROOT)}: {'as it was' if new == old else 'written'}")
        path.write_text(new)


if __name__ == "__main__":
    main()
