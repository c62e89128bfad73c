"""The Verdict page: what each network's robustness is worth, one file a section."""

from collections.abc import Callable

from nsr_core.evaluation.verdict import Verdict
from ui.verdict import alarm, everyday, network, patients, summary

SECTIONS: dict[str, Callable[[dict[str, Verdict]], None]] = {
    "All networks": summary.show,
    "One network": network.show,
    "Alarm": alarm.show,
    "Everyday noise": everyday.show,
    "Patients": patients.show,
}
