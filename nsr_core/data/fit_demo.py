"""Fit the templates of the demo beats again, from the real records.

::

    python -m nsr_core.data.fit_demo [--root FOLDER] [--seed 0] [--out FILE]

Only needed after a change in how they are fitted; the project carries the result.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from nsr_core.data.beats import CLASSES
from nsr_core.data.demo import TEMPLATES_FILE, fit_demo
from nsr_core.data.mitbih import load_mitbih
from nsr_core.data.splits import split_by_beat
from nsr_core.errors import UserError


def main(arguments: list[str] | None = None) -> int:
    """Fit on the training part of the split by beat, write the file, print the clusters of each class."""
    parser = argparse.ArgumentParser(prog="python -m nsr_core.data.fit_demo", description=__doc__.splitlines()[0])
    parser.add_argument("--root", help="folder with the MIT-BIH records (default: as in load_mitbih)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the clustering (default: 0)")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name(TEMPLATES_FILE), help="file to write")
    options = parser.parse_args(arguments)
    try:
        beats = load_mitbih(options.root)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    templates = fit_demo(beats, split_by_beat(beats).train, options.seed)
    templates.save(options.out)
    for label, name in enumerate(CLASSES):
        count = templates.count[templates.label == label].astype(np.int64)
        print(f"{name}: {len(count)} clusters of {count.min()} to {count.max()} beats, {count.sum()} beats in all")
    print(f"{options.out}: {options.out.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
