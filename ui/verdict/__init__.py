"""The Verdict page: what each network's robustness is worth, one file a section, of all networks' ``Verdict.levels``."""

from collections.abc import Callable

import pandas as pd

from ui.verdict import everyday, masking, network, patients, summary, transfer

SECTIONS: dict[str, Callable[[dict[str, pd.DataFrame]], None]] = {
    "All networks": summary.show,
    "One network": network.show,
    "Gradient masking": masking.show,
    "Transfer": transfer.show,
    "Everyday noise": everyday.show,
    "Patients": patients.show,
}
