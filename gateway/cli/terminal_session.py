"""A room in a terminal: what is typed goes to the room, and what happens there is shown."""

import asyncio
from contextlib import suppress
from typing import Final

from gateway.cli import terminal_view
from gateway.cli.terminal_commands import (
    Help,
    Line,
    Mistake,
    Quit,
    Reveal,
    Say,
    StartStory,
    Vote,
    Who,
    parse,
)
from gateway.cli.terminal_screen import Screen
from gateway.cli.terminal_view import View
from gateway.client import CommandError, NoAnswer, Room

MAX_UNSENT_LINES: Final = 16
"""Lines typed ahead of what the gateway has taken. Past it no input is read."""

TYPING_REPEAT_SECONDS: Final = 3.0
"""How often typing is told again while it lasts: twice within its six seconds."""


class Typing:
    """Whether words are being typed, for others to see."""

    def __init__(self) -> None:
        self._edited = asyncio.Event()
        self._is_typing = False

    def edited(self, text: str) -> None:
        """Take in the line being typed; commands are nobody's business."""
        self._is_typing = bool(text) and not text.startswith("/")
        self._edited.set()

    async def tell(self, room: Room) -> None:
        """Tell the room at once when typing begins and ends, and now and then in between."""
        told_at: float | None = None
        while True:
            await self._edited.wait()
            self._edited.clear()
            now = asyncio.get_running_loop().time()
            with suppress(CommandError):  # of no use to who types
                if not self._is_typing and told_at is not None:
                    told_at = None
                    await room.stop_typing()
                elif self._is_typing and (told_at is None or now - told_at > TYPING_REPEAT_SECONDS):
                    told_at = now
                    await room.start_typing()


class Session:
    """One person in one open room."""

    def __init__(self, room: Room, view: View, screen: Screen, typing: Typing) -> None:
        self._room = room
        self._view = view
        self._screen = screen
        self._typing = typing

    async def run(self, linger_seconds: float) -> None:
        """Talk until the person quits, or ``linger_seconds`` after the end of piped input.

        Raises the ``ClientError`` that ended the room.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                await self._run_in(tasks, linger_seconds)
        except ExceptionGroup as group:
            # One part failed and the group ended the others: its error is the session's.
            raise group.exceptions[0] from None

    async def _run_in(self, tasks: asyncio.TaskGroup, linger_seconds: float) -> None:
        lines: asyncio.Queue[str | None] = asyncio.Queue(MAX_UNSENT_LINES)
        background = [
            tasks.create_task(self._show_events(), name="show events"),
            tasks.create_task(self._read_lines(lines), name="read lines"),
            tasks.create_task(self._typing.tell(self._room), name="tell typing"),
        ]
        if await self._carry_out_lines(lines) and not self._screen.is_interactive:
            await asyncio.sleep(linger_seconds)
        for task in background:
            task.cancel()

    async def _show_events(self) -> None:
        async for event in self._room:
            for line in self._view.lines(event, self._room.state):
                self._screen.show(line)
            self._screen.note(self._view.typing(self._room.state))

    async def _read_lines(self, lines: asyncio.Queue[str | None]) -> None:
        async for line in self._screen.lines():
            await lines.put(line)
        await lines.put(None)

    async def _carry_out_lines(self, lines: asyncio.Queue[str | None]) -> bool:
        """Carry out what is typed; tell whether the input came to its end (else: ``/quit``)."""
        while (text := await lines.get()) is not None:
            line = parse(text)
            if isinstance(line, Quit):
                return False
            if line is None:
                continue
            try:
                await self._carry_out(line)
            except (CommandError, NoAnswer) as error:
                self._screen.show(terminal_view.mistake(str(error)))
        return True

    async def _carry_out(self, line: Line) -> None:
        match line:
            case Say(text):
                await self._room.say(text)
            case Vote(card):
                await self._room.vote(card)
            case StartStory(title):
                await self._room.start_story(title)
            case Reveal():
                await self._room.reveal()
            case Who():
                self._screen.show(terminal_view.who(self._room.state))
            case Help():
                self._screen.show(terminal_view.help_table())
            case Mistake(text):
                self._screen.show(terminal_view.mistake(text))
