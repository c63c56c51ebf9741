"""The terminal itself: keys in without blocking the event loop, lines out above what is typed."""

import asyncio
import codecs
import contextlib
import os
import sys
import termios
import tty
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Final, Protocol

from rich.cells import cell_len
from rich.console import Console, RenderableType
from typing_extensions import override

from gateway.cli.terminal_editor import LineEditor

_READ_BYTES: Final = 64 * 1024
_PROMPT: Final = "> "
_CLEAR_LINE: Final = "\r\x1b[K"


class OutputClosed(Exception):
    """Nobody reads any more what is shown."""


class _Console(Console):
    """Rich's console; a reader that has gone is an error like others, not the process's end."""

    @override
    def on_broken_pipe(self) -> None:
        try:
            super().on_broken_pipe()
        except SystemExit:
            raise OutputClosed from None


class Screen(Protocol):
    """Where a person, or a program, reads a room and writes to it."""

    is_interactive: bool

    def lines(self) -> AsyncIterator[str]:
        """Yield each line that is typed, until the end of the input."""

    def show(self, what: RenderableType) -> None:
        """Show something."""

    def note(self, text: str) -> None:
        """Show something that replaces the note before it; empty text ends it."""


class PlainScreen:
    """Lines in and lines out, for pipes and files."""

    is_interactive = False

    def __init__(self) -> None:
        self._console = _Console(highlight=False)
        self._note = ""

    async def lines(self) -> AsyncIterator[str]:
        """Yield each line; a last one without an end counts."""
        rest = ""
        async for text in _input_text():
            *lines, rest = (rest + text).split("\n")
            for line in lines:
                yield line
        yield rest

    def show(self, what: RenderableType) -> None:
        """Print a line."""
        # Who reads a pipe breaks lines as they see fit.
        self._console.print(what, soft_wrap=True)

    def note(self, text: str) -> None:
        """Print the note as a line of its own."""
        if text and text != self._note:
            self.show(text)
        self._note = text


class TerminalScreen:
    """A terminal: the line being typed stays at the bottom, and everything else goes above it."""

    is_interactive = True

    def __init__(self, on_edit: Callable[[str], None]) -> None:
        """``on_edit`` gets the line being typed at every key."""
        self._console = _Console(highlight=False)
        self._editor = LineEditor()
        self._on_edit = on_edit
        self._note = ""

    async def lines(self) -> AsyncIterator[str]:
        """Yield each line, until Ctrl-D."""
        self._draw()
        async for keys in _input_text():
            lines = self._editor.feed(keys)
            self._draw()
            self._on_edit(self._editor.text)
            for line in lines:
                yield line
            if self._editor.is_ended:
                return

    def show(self, what: RenderableType) -> None:
        """Print above the line being typed."""
        self._write(_CLEAR_LINE)
        self._console.print(what)
        self._draw()

    def note(self, text: str) -> None:
        """Show the note before the line being typed."""
        if text != self._note:
            self._note = text
            self._draw()

    def _draw(self) -> None:
        """Draw the line being typed, or the part of it around the cursor that fits."""
        start = f"{self._note} {_PROMPT}" if self._note else _PROMPT
        before = self._editor.text[: self._editor.cursor]
        after = self._editor.text[self._editor.cursor :]
        room = self._console.width - cell_len(start) - 1
        before, after = _fit(before, after, max(1, room))
        back = f"\x1b[{cell_len(after)}D" if after else ""
        self._write(f"{_CLEAR_LINE}{start}{before}{after}{back}")

    def _write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()


@contextlib.contextmanager
def open_screen(on_edit: Callable[[str], None]) -> Iterator[Screen]:
    """Return the screen that standard input and output make; a terminal is restored at the end."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        yield PlainScreen()
        return
    descriptor = sys.stdin.fileno()
    modes = termios.tcgetattr(descriptor)
    try:
        # Keys come one by one and are not echoed; Ctrl-C still interrupts.
        # What was typed before this is kept.
        tty.setcbreak(descriptor, termios.TCSADRAIN)
        yield TerminalScreen(on_edit)
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, modes)
        sys.stdout.write(_CLEAR_LINE)
        sys.stdout.flush()


def _fit(before: str, after: str, width: int) -> tuple[str, str]:
    """Cut the text on both sides of the cursor so that it fits; before the cursor goes first."""
    while cell_len(before) > width:
        before = before[1:]
    while after and cell_len(before) + cell_len(after) > width:
        after = after[:-1]
    return before, after


async def _input_text() -> AsyncIterator[str]:
    """Yield standard input as it arrives, as text."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    while data := await _read(sys.stdin.fileno()):
        yield decoder.decode(data)


async def _read(descriptor: int) -> bytes:
    """Return the bytes that have arrived; none at the end of the input."""
    loop = asyncio.get_running_loop()
    arrived = asyncio.Event()
    try:
        loop.add_reader(descriptor, arrived.set)
    except PermissionError:  # a file, which epoll does not take and which never lets wait
        return os.read(descriptor, _READ_BYTES)
    try:
        await arrived.wait()
    finally:
        loop.remove_reader(descriptor)
    return os.read(descriptor, _READ_BYTES)
