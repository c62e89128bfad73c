"""The one exception type for what a user can cause and can mend."""


class UserError(ValueError):
    """Something the user gave cannot be used; the message says what, why and what to do next.

    The command line prints the message as one line instead of a traceback, and the app shows it
    in place of the figure. A caller's programming mistake stays a plain ``ValueError``.

    Args:
        message: what holds wherever it is read; it names no environment variable and no option.
        command_line: what else to do on the command line, a sentence of its own; the app does not show it.
    """

    def __init__(self, message: str = "", *, command_line: str = "") -> None:
        super().__init__(message)
        self.command_line = command_line


class Damaged(UserError):
    """A file of this program cannot be used, or is gone, though others rely on it. Who makes it may put another in its place."""
