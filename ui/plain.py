"""Words out of files and names, shown as they are: Streamlit reads most texts as Markdown, and would fetch what it names."""

import re

from ui.serving import is_public

LONGEST_NAME = 80
_MARKS = re.compile(r"([!-/:-@\[-`{-~])")
#: A word of more than 240 characters, and its two ends.
_ENDLESS = re.compile(r"(\S{120})\S{60,}(\S{60})")
#: The folders of a path, its name left out.
_FOLDERS = re.compile(r"(?<![\w.:/])~?/(?:[^\s/,;()'\"]+/)+")


def plain(text: str) -> str:
    """The text with every mark that Markdown could take for more than itself made harmless."""
    return _MARKS.sub(r"\\\1", text)


def in_words(error: Exception | str) -> str:
    """An error's message, to be shown as it is: of a word that is none for its length, which an address may hold, its ends;
    to strangers without the folders of this machine.
    """
    text = _ENDLESS.sub(r"\1…\2", str(error))
    return plain(_FOLDERS.sub("", text) if is_public() else text)


def quoted(name: str) -> str:
    """A name as code, out of which none of its own marks leads; of one that is no name for its length, the beginning."""
    shown = name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"
    return f"`{shown.replace('`', chr(39))}`"
