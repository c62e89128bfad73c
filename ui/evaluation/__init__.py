"""The curves page: its widgets, its panels, the beats behind a point, and new attacks."""
