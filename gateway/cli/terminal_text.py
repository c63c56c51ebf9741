"""Text as a terminal may show it: what people wrote is never a control sequence.

A message must not be able to clear the screen, nor pretend to be somebody
else's. Colours are the terminal's own sixteen, so that light and dark ones
show them as their owners like it; yellow and white, which many light ones
do not, are not among them.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.text import Text

from gateway.core.text import is_plain

_COLOURS: Final = ("cyan", "green", "magenta", "blue", "red", "bright_magenta")

TIME_WIDTH: Final = 6
"""Columns before every line of an entry: "09:30 "."""

EXCERPT_WIDTH: Final = 32
"""Columns of a message that is only referred to."""


class Entry:
    """A time, and what happened then: further lines of it stay to the right of the time.

    So nothing that people write stands where names stand.
    """

    def __init__(self, body: Text, at: datetime | None = None, *, stands_out: bool = False) -> None:
        self.body = body
        self._time = f"{at.astimezone():%H:%M}" if at is not None else ""
        self._style = "bold reverse" if stands_out else "dim"

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Wrap the body beside the time; in a pipe, nothing is wrapped but its own lines."""
        if options.no_wrap:
            lines = self.body.split("\n", allow_blank=True)
        else:
            width = max(1, options.max_width - TIME_WIDTH)
            lines = self.body.wrap(console, width, overflow="fold")
        gutter = Text(self._time, self._style)
        for line in lines:
            yield Text.assemble(gutter, " " * (TIME_WIDTH - len(gutter)), line)
            gutter = Text()


def plain(text: str) -> str:
    """Return text in which nothing acts on the terminal: what would is shown as "�"."""
    return "".join(
        character if is_plain(character, also="\n") else "�"
        for character in text.replace("\r\n", "\n").replace("\t", " ")
    )


def excerpt(text: str) -> str:
    """Return the beginning of a text, in quotation marks and on one line."""
    words = " ".join(plain(text).split())
    if cell_len(words) > EXCERPT_WIDTH:
        words = set_cell_size(words, EXCERPT_WIDTH - 1).rstrip() + "…"
    return f"“{words}”"


def person(name: str, user_id: UUID) -> Text:
    """Return a name, in a colour of its own."""
    return Text.assemble((plain(name), f"bold {_COLOURS[user_id.int % len(_COLOURS)]}"))


def note(text: str) -> Text:
    """Return something said in passing; what people wrote must be ``plain``."""
    return Text.assemble((text, "dim"))


def mistake(text: str) -> RenderableType:
    """Return why something typed was not done."""
    return Text(plain(text), "red")


def moment(at: datetime, now: datetime | None) -> str:
    """Return a time, with its date unless that is the one of ``now``."""
    at = at.astimezone()
    if now is not None and now.astimezone().date() == at.date():
        return f"{at:%H:%M}"
    return f"{at:%Y-%m-%d %H:%M}"
