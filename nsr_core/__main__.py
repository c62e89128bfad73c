"""The command line: ``python -m nsr_core --help``."""

from nsr_core.cli import main

if __name__ == "__main__":
    main()
