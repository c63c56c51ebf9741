"""Editing one line of text by the keys of a terminal (pure)."""

import re
from typing import Final

_KEY: Final = re.compile(
    r"\x1b[\[O][0-9;]*[A-Za-z~]"  # arrows and the like: ECMA-48, section 5.4
    r"|\x1b."  # Alt with a key
    r"|[^\x1b]",
    re.DOTALL,
)

_NAMES: Final = {
    "\x1b[D": "left",
    "\x1bOD": "left",
    "\x02": "left",
    "\x1b[C": "right",
    "\x1bOC": "right",
    "\x06": "right",
    "\x1b[H": "home",
    "\x1bOH": "home",
    "\x1b[1~": "home",
    "\x01": "home",
    "\x1b[F": "end",
    "\x1bOF": "end",
    "\x1b[4~": "end",
    "\x05": "end",
    "\x7f": "backspace",
    "\x08": "backspace",
    "\x1b[3~": "delete",
    "\x17": "delete word",
    "\x15": "delete to start",
    "\x0b": "delete to end",
}
# Control characters as the shells' line editors have them (GNU Readline, "Bindable Readline
# Commands").

_END: Final = "\x04"


class LineEditor:
    """The line being typed: ``text``, and ``cursor``, the number of characters before it."""

    def __init__(self) -> None:
        self.text = ""
        self.cursor = 0
        self.is_ended = False
        """Whether Ctrl-D was pressed on an empty line."""
        self._unread = ""

    def feed(self, keys: str) -> list[str]:
        """Take in keys as the terminal sends them; return the lines completed by them."""
        lines = []
        data, self._unread = self._unread + keys, ""
        at = 0
        while at < len(data):
            match = _KEY.match(data, at)
            if match is None or match.group() in {"\x1b[", "\x1bO"}:
                self._unread = data[at:]  # the rest of the sequence is on its way
                break
            at = match.end()
            if (line := self._press(match.group())) is not None:
                lines.append(line)
        return lines

    def _press(self, key: str) -> str | None:
        """Carry out one key; return the line if it completes one."""
        if key in {"\r", "\n"}:
            line, self.text, self.cursor = self.text, "", 0
            return line
        if key == _END:
            self.is_ended = self.is_ended or not self.text
        elif key in _NAMES:
            self._edit(_NAMES[key])
        elif key.isprintable():
            self._replace(self.cursor, self.cursor, key)
        return None

    def _edit(self, action: str) -> None:
        match action:
            case "left":
                self.cursor = max(0, self.cursor - 1)
            case "right":
                self.cursor = min(len(self.text), self.cursor + 1)
            case "home":
                self.cursor = 0
            case "end":
                self.cursor = len(self.text)
            case "backspace":
                self._replace(max(0, self.cursor - 1), self.cursor)
            case "delete":
                self._replace(self.cursor, self.cursor + 1)
            case "delete word":
                kept = self.text[: self.cursor].rstrip().rpartition(" ")
                self._replace(len(kept[0] + kept[1]), self.cursor)
            case "delete to start":
                self._replace(0, self.cursor)
            case "delete to end":
                self._replace(self.cursor, len(self.text))

    def _replace(self, start: int, end: int, text: str = "") -> None:
        self.text = self.text[:start] + text + self.text[end:]
        self.cursor = start + len(text)
