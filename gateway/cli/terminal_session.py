"""A room in a terminal: what is typed goes to the room, and what happens there is shown."""

import asyncio
from contextlib import suppress
from typing import Final

from gateway.cli import terminal_view
from gateway.cli.terminal_actions import Actions, NotPossible, friendly
from gateway.cli.terminal_commands import parse
from gateway.cli.terminal_lines import (
    Away,
    Back,
    Doing,
    Edits,
    Help,
    Leave,
    Line,
    Members,
    Mistake,
    More,
    Question,
    Quit,
    Search,
    Thread,
    Who,
    WhoRead,
)
from gateway.cli.terminal_questions import Questions
from gateway.cli.terminal_screen import Screen
from gateway.cli.terminal_text import excerpt, mistake, note, plain
from gateway.cli.terminal_view import View
from gateway.client import Client, CommandError, Event, NoAnswer, Room, RoomSnapshot

MAX_UNSENT_LINES: Final = 16
"""Lines typed ahead of what the gateway has taken. Past it no input is read."""

TYPING_REPEAT_SECONDS: Final = 3.0
"""How often typing is told again while it lasts: twice within its six seconds."""


SLOW_SECONDS: Final = 1.5
"""After this long without an answer, who waits is told that it is on its way."""

READ_SECONDS: Final = 1.0
"""How often at most the read marker is moved: with a lively room it is one event a second."""


class Typing:
    """Whether words are being typed, for others to see."""

    def __init__(self) -> None:
        self._edited = asyncio.Event()
        self._is_typing = False
        self._is_away = False

    def edited(self, text: str) -> None:
        """Take in the line being typed; commands are nobody's business."""
        self._is_typing = bool(text) and not text.startswith("/")
        self._edited.set()

    def pause(self) -> None:
        """Tell nothing from now on: it would end being away with the first letter."""
        self._is_away = True
        self._edited.set()

    def go_on(self) -> None:
        """Tell again what is being typed."""
        self._is_away = False
        self._edited.set()

    async def tell(self, room: Room) -> None:
        """Tell the room at once when typing begins and ends, and now and then in between."""
        told_at: float | None = None
        while True:
            await self._edited.wait()
            self._edited.clear()
            now = asyncio.get_running_loop().time()
            if self._is_away:
                told_at = None  # whoever goes away has entered a line, and so said that it ended
                continue
            with suppress(CommandError):  # of no use to who types
                if not self._is_typing and told_at is not None:
                    told_at = None
                    await room.stop_typing()
                elif self._is_typing and (told_at is None or now - told_at > TYPING_REPEAT_SECONDS):
                    told_at = now
                    await room.start_typing()


class Reading:
    """Marks what was shown as read."""

    def __init__(self) -> None:
        self._shown = asyncio.Event()
        self._up_to = 0
        self.is_away = False
        """Whether nobody reads what is shown."""

    def shown(self, up_to: int) -> None:
        """Take in how far the room's log is on the screen."""
        self._up_to = up_to
        self._shown.set()

    def pause(self) -> None:
        """Leave unread what is shown from now on."""
        self.is_away = True

    def go_on(self) -> None:
        """Mark what was shown meanwhile, and what will be."""
        self.is_away = False
        self._shown.set()

    async def tell(self, room: Room) -> None:
        """Move the marker over messages that others wrote; one's own move it by themselves."""
        while True:
            await self._shown.wait()
            self._shown.clear()
            if not self.is_away and room.unread and room.state.room.read_up_to < self._up_to:
                with suppress(CommandError, NoAnswer):  # with the next message again
                    await room.mark_read(self._up_to)
                await asyncio.sleep(READ_SECONDS)


class Session:
    """One person, the client's, in one open room."""

    def __init__(
        self, client: Client, room: Room, view: View, screen: Screen, typing: Typing
    ) -> None:
        own_id = client.user.id
        self._client = client
        self._room = room
        self._view = view
        self._screen = screen
        self._typing = typing
        self._reading = Reading()
        self._actions = Actions(room, view.people, own_id)
        self._questions = Questions(room, view, own_id)

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
            tasks.create_task(self._show_events(lines), name="show events"),
            tasks.create_task(self._read_lines(lines), name="read lines"),
            tasks.create_task(self._typing.tell(self._room), name="tell typing"),
        ]
        if self._screen.is_interactive:  # what a script is shown, nobody has read
            reading = self._reading.tell(self._room)
            background.append(tasks.create_task(reading, name="tell reading"))
        if await self._carry_out_lines(lines) and not self._screen.is_interactive:
            await asyncio.sleep(linger_seconds)
        for task in background:
            task.cancel()

    async def _show_events(self, lines: asyncio.Queue[str | None]) -> None:
        """Show everything that happens; when the room ends, so does the input."""
        async for event in self._room:
            for line in self._view.lines(event, self._room.state):
                self._screen.show(line)
            self._screen.note(self._view.note(self._room.state))
            match event:
                case Event(data=RoomSnapshot(state=state)):
                    self._questions.room_shown(state)
                    self._reading.shown(state.position.seq)
                case Event(seq=int() as seq):
                    self._reading.shown(seq)
        await lines.put(None)

    async def _read_lines(self, lines: asyncio.Queue[str | None]) -> None:
        async for line in self._screen.lines():
            await lines.put(line)
        await lines.put(None)

    async def _carry_out_lines(self, lines: asyncio.Queue[str | None]) -> bool:
        """Carry out what is typed; tell whether the input came to its end (else: they left)."""
        while (text := await lines.get()) is not None:
            line = parse(text)
            if line is None:
                continue
            slow = asyncio.get_running_loop().call_later(SLOW_SECONDS, self._tell_slow, text)
            try:
                if not await self._carry_out(line):
                    return False
            except (CommandError, NotPossible) as error:
                self._screen.show(mistake(friendly(error)))
            except NoAnswer:
                if isinstance(line, Question):
                    problem = f"No answer came; ask again: {excerpt(text)}"
                else:
                    problem = f"No answer came; this may not have been done: {excerpt(text)}"
                self._screen.show(mistake(problem))
            finally:
                slow.cancel()
        return True

    def _tell_slow(self, text: str) -> None:
        if self._screen.is_interactive:
            self._screen.show(note(f"no answer yet: {excerpt(text)}"))

    async def _carry_out(self, line: Line) -> bool:
        """Carry out one line; tell whether to go on."""
        is_return = self._reading.is_away and not isinstance(line, Away)
        if is_return or isinstance(line, Back):
            await self._be_here_again()
        match line:
            case Quit():
                return False
            case Leave():
                await self._room.leave_for_good()
                self._screen.show(
                    note(f"You are not a member of {plain(self._room.name)} any more.")
                )
                return False
            case Away():
                await self._be_away()
            case _:
                await self._respond(line)
        return True

    async def _be_away(self) -> None:
        self._reading.pause()
        self._typing.pause()
        await self._client.set_status("away")
        self._screen.show(
            note("You are away until you enter something; what is said stays unread.")
        )

    async def _be_here_again(self) -> None:
        self._reading.go_on()
        self._typing.go_on()
        # It ends being away. To say "online" would hold though the person walks off.
        await self._room.stop_typing()
        self._screen.show(note("You are here again."))

    async def _respond(self, line: Doing | Question | Back | Who | Help | Mistake) -> None:
        match line:
            case Back():
                pass
            case Who():
                self._screen.show(terminal_view.who(self._room.state))
            case Help():
                self._screen.show(terminal_view.help_table())
            case Mistake(text):
                self._screen.show(mistake(text))
            case More() | Search() | Thread() | Edits() | WhoRead() | Members() as question:
                for answer in await self._questions.answer(question):
                    self._screen.show(answer)
            case doing:
                if (await self._actions.do(doing)).seq is None:
                    self._screen.show(note("Nothing had to change."))
