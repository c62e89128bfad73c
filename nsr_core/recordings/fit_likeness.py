"""Fit the measure of likeness again, from the real records.

::

    python -m nsr_core.recordings.fit_likeness [--root FOLDER] [--out FILE]

Only needed after a change in how it is fitted or in the demo clusters; the project carries the result.
"""

import argparse
from pathlib import Path

from nsr_core.data import load_beats, make_split
from nsr_core.recordings.likeness import LIKENESS_FILE, fit_likeness


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, help="folder with the MIT-BIH records")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name(LIKENESS_FILE))
    given = parser.parse_args()
    beats = load_beats("mitbih", given.root)
    split = make_split(beats, "beat")
    fitted = fit_likeness(beats, split.train, split.validation, split.fingerprint)
    fitted.save(given.out)
    print(f"{given.out}: limit {fitted.limit:.3f}, split {fitted.split}")


if __name__ == "__main__":
    main()
