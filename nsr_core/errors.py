"""The one exception type for what a user can cause and can mend."""


class UserError(ValueError):
    """Something the user gave cannot be used; the message says what, why and what to do next.

    The command line prints the message as one line instead of a traceback, and the app shows it
    in place of the figure. A caller's programming mistake stays a plain ``ValueError``.
    """
