"""Words out of files and names, shown as they are: Streamlit reads most texts as Markdown, and would fetch what it names."""

import re

_MARKS = re.compile(r"([!-/:-@\[-`{-~])")


def plain(text: str) -> str:
    """The text with every mark that Markdown could take for more than itself made harmless."""
    return _MARKS.sub(r"\\\1", text)
