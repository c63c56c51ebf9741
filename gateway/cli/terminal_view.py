"""How a room looks in a terminal: events become lines, with colours where there are any."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from uuid import UUID

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from gateway.cli import terminal_poker
from gateway.cli.terminal_commands import HELP
from gateway.cli.terminal_messages import Messages
from gateway.cli.terminal_people import People
from gateway.cli.terminal_text import moment, note, plain
from gateway.client import (
    Behind,
    ChatDeleted,
    ChatEdited,
    ChatMessage,
    Connected,
    Disconnected,
    Event,
    MemberBanned,
    MemberJoined,
    MemberLeft,
    MemberMuted,
    MemberRoleChanged,
    MemberUnbanned,
    Person,
    PersonHere,
    PokerRevealed,
    PokerStarted,
    PokerVoted,
    PresenceChanged,
    ReactionAdded,
    ReactionRemoved,
    Resumed,
    Role,
    RoomSnapshot,
    RoomState,
    RoomUpdated,
)
from gateway.client.state import unread

_MemberChange = (
    MemberJoined | MemberLeft | MemberRoleChanged | MemberMuted | MemberBanned | MemberUnbanned
)


class View:
    """One room, seen by one person. It remembers whom it has shown as here, and how."""

    def __init__(self, own_id: UUID) -> None:
        self._own_id = own_id
        self.people = People()
        """Whom it has shown."""
        self.messages = Messages(own_id, self.people)
        """How it shows messages."""
        self._here: dict[UUID, PersonHere] = {}
        self._told: set[UUID] = set()
        """Whose coming or going was told by what happened to their membership."""
        self._room_before: RoomUpdated | None = None
        self._retry_seconds: float | None = None
        """When the lost connection is tried again; ``None`` while there is one."""

    def lines(self, event: Event, state: RoomState) -> Iterator[RenderableType]:
        """Yield what an event has to show; ``state`` is the room's after it."""
        self._meet(event, state)
        match event.data:
            case RoomSnapshot(state=whole):
                yield from self._room(whole)
            case ChatMessage() as message:
                yield self.messages.said(message, event.at, state)
            case ChatEdited() | ChatDeleted() | ReactionAdded() | ReactionRemoved() as change:
                if line := self.messages.changed(event, change, state):
                    yield line
            case PokerStarted() | PokerVoted() | PokerRevealed() as move:
                yield from terminal_poker.move(move, state)
            case RoomUpdated() as update:
                yield from self._updated(update, plain(self.people.name(event.by)))
            case (
                MemberJoined()
                | MemberLeft()
                | MemberRoleChanged()
                | MemberMuted()
                | MemberBanned()
                | MemberUnbanned()
            ) as change:
                yield from self._member_changed(change, event, state)
            case Disconnected() | Connected() | Resumed() as change:
                yield from self._connection_changed(change)
            case PresenceChanged() | Behind():
                yield from self._comings_and_goings(state)

    def note(self, state: RoomState) -> str:
        """Return how it stands now: no connection, or who else is typing; empty for nothing."""
        if self._retry_seconds is not None:
            return f"no connection, trying again in {max(1, round(self._retry_seconds))} s…"
        names = [plain(person.name) for person in state.typing if person.id != self._own_id]
        if not names:
            return ""
        return f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} typing…"

    def _meet(self, event: Event, state: RoomState) -> None:
        """Remember everybody that an event shows."""
        self.people.meet(state.people)
        match event.data:
            case RoomSnapshot(state=whole):
                self.people.meet(view.author for view in whole.chat.messages if view.author)
                self.people.meet(whole.people)
            case ChatMessage(author=person):
                self.people.meet([person])
            case (
                MemberJoined(user=person)
                | MemberLeft(user=person)
                | MemberRoleChanged(user=person)
                | MemberMuted(user=person)
                | MemberBanned(user=person)
                | MemberUnbanned(user=person)
            ):
                self.people.meet([person])

    def _connection_changed(
        self, change: Disconnected | Connected | Resumed
    ) -> Iterator[RenderableType]:
        """Tell the loss once, however many attempts fail, and the return."""
        if isinstance(change, Disconnected):
            if self._retry_seconds is None:
                yield Text(f"connection lost ({plain(change.reason)})", "red")
            self._retry_seconds = change.retry_in_seconds
            return
        self._retry_seconds = None
        if isinstance(change, Resumed):
            yield Text("back; what you missed:" if change.missed else "back", "green")

    # A whole room, for a newcomer

    def _room(self, state: RoomState) -> Iterator[RenderableType]:
        room = state.room
        yield Text(plain(room.name), "bold")
        if room.description:
            yield note(plain(room.description))
        if state.chat.has_more:
            yield note("… older messages are not shown; /more shows them")
        left_unread = unread(state)
        for message in state.chat.messages:
            if left_unread and message.seq > room.read_up_to and message.deleted_at is None:
                may_be_more = message is state.chat.messages[0] and state.chat.has_more
                yield _unread_line(left_unread, may_be_more=may_be_more)
                left_unread = 0
            yield self.messages.said(message, message.at, state)
        if state.poker is not None:
            yield from terminal_poker.table(state.poker)
        yield from _standing(state)
        yield who(state)
        self._here = _here(state)
        self._told.clear()
        self._room_before = RoomUpdated(
            name=room.name,
            description=room.description,
            is_archived=room.is_archived,
            retention_days=None,
        )

    # What is done to the room and its members

    def _updated(self, now: RoomUpdated, who: str) -> Iterator[RenderableType]:
        before, self._room_before = self._room_before, now
        told = list(_differences(before, now, who)) if before is not None else []
        yield from map(note, told or [f"{who} changed how long messages are kept: {_kept(now)}"])

    def _member_changed(
        self, change: _MemberChange, event: Event, state: RoomState
    ) -> Iterator[RenderableType]:
        text = self._member_line(change, event)
        if text and change.user.id == self._own_id:
            yield Text(text, "bold")
        elif text:
            yield note(text)
        is_move = isinstance(change, MemberJoined | MemberLeft)
        if is_move and text and state.count <= len(state.people):
            self._told.add(change.user.id)

    def _member_line(self, change: _MemberChange, event: Event) -> str:
        by, whom = plain(self.people.name(event.by)), self._whom(change.user)
        match change:
            case MemberJoined():
                return f"→ {whom} joined the room"
            case MemberLeft(reason="left"):
                return f"← {whom} left the room for good"
            case MemberLeft(reason="kicked"):
                return f"← {by} put {whom} out"
            case MemberLeft():  # for others, the ban itself follows
                return f"← {by} banned you" if whom == "you" else ""
            case MemberRoleChanged(role=role):
                return f"{by} made {whom} {_ROLES[role]}"
            case MemberMuted(until=until):
                if until is None:
                    return f"{by} lets {whom} speak again"
                return f"{by} muted {whom} until {moment(until, event.at)}"
            case MemberBanned(until=until, reason=reason):
                lasting = f" until {moment(until, event.at)}" if until else ""
                return f"{by} banned {whom}{lasting}{f': {plain(reason)}' if reason else ''}"
            case MemberUnbanned():
                return f"{by} lets {whom} in again"

    def _whom(self, person: Person) -> str:
        return "you" if person.id == self._own_id else plain(person.name)

    def _comings_and_goings(self, state: RoomState) -> Iterator[RenderableType]:
        """Tell how the people differ from those shown last; in a big room nobody is shown."""
        before, now = self._here, _here(state)
        if state.count > len(state.people):
            before = now
        for user_id in now.keys() - before.keys():
            if user_id not in self._told:
                yield note(f"→ {plain(now[user_id].name)} came in")
            self._told.discard(user_id)
        for user_id in before.keys() - now.keys():
            if user_id not in self._told:
                yield note(f"← {plain(before[user_id].name)} left")
            self._told.discard(user_id)
        for user_id in (before.keys() & now.keys()) - {self._own_id}:
            if before[user_id].status != now[user_id].status:
                how = "away" if now[user_id].status == "away" else "back"
                yield note(f"· {plain(now[user_id].name)} is {how}")
        self._here = now


_ROLES: dict[Role, str] = {
    "admin": "an admin",
    "moderator": "a moderator",
    "member": "a plain member",
}


def who(state: RoomState) -> RenderableType:
    """Return who is here, and who of them is away."""
    names = ", ".join(
        plain(person.name) + (" (away)" if person.status == "away" else "")
        for person in state.people
    )
    if state.count > len(state.people):
        names += ", …"
    return note(f"{state.count} here: {names}")


def help_table() -> RenderableType:
    """Return what can be typed."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for usage, meaning in HELP:
        table.add_row(Text(usage, "bold"), meaning)
    return table


def _unread_line(count: int, *, may_be_more: bool) -> Text:
    return Text(f"— {count}{' or more' if may_be_more else ''} unread —", "bold")


def _standing(state: RoomState) -> Iterator[RenderableType]:
    if state.room.is_archived:
        yield note("This room is archived: it can be read, not written.")
    muted_until, now = state.room.muted_until, datetime.now(UTC)
    if muted_until is not None and muted_until > now:
        yield note(f"You are muted until {moment(muted_until, now)}.")


def _differences(before: RoomUpdated, now: RoomUpdated, who: str) -> Iterable[str]:
    if now.name != before.name:
        yield f"{who} named the room {plain(now.name)}"
    if now.description != before.description:
        topic = now.description
        yield f"{who} set the topic: {plain(topic)}" if topic else f"{who} took the topic away"
    if now.is_archived and not before.is_archived:
        yield f"{who} archived the room: it can be read, not written"
    if before.is_archived and not now.is_archived:
        yield f"{who} opened the room again: it can be written"


def _kept(room: RoomUpdated) -> str:
    return "for ever" if room.retention_days is None else f"{room.retention_days} days"


def _here(state: RoomState) -> dict[UUID, PersonHere]:
    return {person.id: person for person in state.people}
