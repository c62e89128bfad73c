"""The Paper page: its tables, its figures and its differences from ours, one file each, and what they share."""

from collections.abc import Callable

from ui.paper import differences, gallery, tables
from ui.paper.ours import Ours

SECTIONS: dict[str, Callable[[Ours], None]] = {
    "Tables": tables.show,
    "Figures": gallery.show,
    "Differences": differences.show,
}
