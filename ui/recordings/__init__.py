"""The page Your ECG: a recording in, every beat read, and how little noise changes each reading."""
