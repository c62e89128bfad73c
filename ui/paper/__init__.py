"""The Paper page: its tables, its figures, its differences from ours and its β, one file each, and what they share."""

from collections.abc import Callable

from ui.paper import beta, differences, gallery, tables
from ui.paper.ours import Ours

SECTIONS: dict[str, Callable[[Ours], None]] = {
    "Tables": tables.show,
    "Figures": gallery.show,
    "Differences": differences.show,
    "Choice of β": beta.show,
}
