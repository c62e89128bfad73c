"""What a recording format is: how its files are known, which of them belong together, and how they are read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nsr_core.progress import Progress
from nsr_core.recordings.formats.contents import Contents
from nsr_core.recordings.limits import Deadline, Limits


@dataclass(frozen=True)
class Given:
    """What a reader gets.

    Attributes:
        name: of the file to begin with.
        files: content by name: that file, and those that ``Format.belonging`` added.
        fs_hz: samples a second, as the person gives them by hand; None where nothing was given.
        limits: checked before anything is spent.
        deadline: checked now and then.
        progress: called with the parts read.
    """

    name: str
    files: Mapping[str, bytes]
    fs_hz: float | None
    limits: Limits
    deadline: Deadline
    progress: Progress

    @property
    def content(self) -> bytes:
        """Of the file to begin with."""
        return self.files[self.name]


@dataclass(frozen=True)
class Format:
    """One format, a line in ``FORMATS``.

    Attributes:
        key: its name in ``Recording.kind``.
        title: for people, such as ``EDF or EDF+``.
        endings: of its files, with the point and in small letters, the usual one first; they decide only where the
            content does not.
        recognise: whether a name and a content are of this format, by what no other format has; must not fail.
        read: the recording in these files; UserError where it cannot be read.
        reads: what is read of it, for the documentation: a phrase.
        belonging: of a format that takes several files: those that belong to the file of a name, itself among them;
            UserError where one is missing.
        is_streamed: whether it reads in stretches, so that a day of samples costs little memory; other files may be smaller.
        companions: endings of the other files of such a format.
        is_recording: of a format that also takes what is none, whether a content is one: asked where several files
            were given.
        needs: a package of the extra ``recordings`` without which it is not read; "" where none is needed.
    """

    key: str
    title: str
    endings: tuple[str, ...]
    recognise: Callable[[str, bytes], bool]
    read: Callable[[Given], Contents]
    reads: str
    belonging: Callable[[str, Mapping[str, bytes]], dict[str, bytes]] | None = None
    is_streamed: bool = False
    companions: tuple[str, ...] = ()
    is_recording: Callable[[str, bytes], bool] = lambda name, content: True
    needs: str = ""
