"""The data page: five tabs, one file each, and their figures."""

from collections.abc import Callable

from nsr_core.data import Beats
from ui.data import choice, counts, cutting, grid, origin, records

TABS: dict[str, Callable[[Beats], None]] = {
    "Counts": counts.show,
    choice.BEATS: grid.show,
    choice.ORIGIN: origin.show,
    "Cutting": cutting.show,
    "Records": records.show,
}
