"""A recording that somebody brings: read, put on the records' grid, cut into beats, and every beat's reading tried.

Importing this package is cheap; what reads files is imported when it is used.
"""
