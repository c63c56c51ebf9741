"""A room's state, kept up to date by its events (pure).

The state is one person's, ``own_id``: their read marker, their role and
whether they are muted are in ``state.room``.
"""

from uuid import UUID

from gateway.activities.chat.messages import (
    ChatDeleted,
    ChatEdited,
    ChatMarked,
    ChatMessage,
    ReactionAdded,
    ReactionRemoved,
)
from gateway.activities.poker.messages import (
    PokerRevealed,
    PokerStarted,
    PokerState,
    PokerVoted,
)
from gateway.activities.protocol import Behind, Replay, RoomState, UpToDate
from gateway.activities.rooms.messages import (
    MemberMuted,
    MemberRoleChanged,
    PresenceChanged,
    RoomUpdated,
    TypingChanged,
)
from gateway.client.chat_state import with_change
from gateway.client.events import Event


def is_covered(state: RoomState, event: Event) -> bool:
    """Tell whether a durable event is in the state already, so that it must not come again."""
    return event.seq is not None and event.seq <= state.position.seq


def follows(state: RoomState, event: Event) -> bool:
    """Tell whether nothing is missing between the state and the event."""
    return event.seq is None or event.seq == state.position.seq + 1


def resumed(state: RoomState, answer: UpToDate | Replay) -> RoomState:
    """Return the state after coming back: what is durable follows in events, the rest is here."""
    news = {"room": answer.room, "people": answer.people, "count": answer.count}
    return state.model_copy(update={**news, "typing": answer.typing})


def caught_up(state: RoomState, behind: Behind) -> RoomState:
    """Return the state with who is here and who types as a ``behind`` notice tells it."""
    news = {"people": behind.people, "count": behind.count, "typing": behind.typing}
    return state.model_copy(update=news)


def after(state: RoomState, event: Event, own_id: UUID) -> RoomState:
    """Return the state after ``event``, which must follow on it."""
    if event.seq is not None:
        position = state.position.model_copy(update={"seq": event.seq})
        state = state.model_copy(update={"position": position})
    state = _with_standing(state, event, own_id)
    match event.data:
        case (
            ChatMessage() | ChatEdited() | ChatDeleted() | ReactionAdded() | ReactionRemoved()
        ) as change:
            return state.model_copy(update={"chat": with_change(state.chat, change, event)})
        case RoomUpdated(name=name, description=description, is_archived=is_archived):
            return _with_room(state, name=name, description=description, is_archived=is_archived)
        case PresenceChanged() as change:
            return _with_presence(state, change)
        case TypingChanged(users=users):
            return state.model_copy(update={"typing": users})
        case PokerStarted() | PokerVoted() | PokerRevealed() as move:
            return state.model_copy(update={"poker": _with_move(state.poker, move)})
    return state


def unread(state: RoomState) -> int:
    """Return how many of the messages that are kept stand after your read marker.

    Deleted ones do not count. Where even the oldest is unread and there are
    older ones, more may be.
    """
    marker = state.room.read_up_to
    return sum(
        message.seq > marker and message.deleted_at is None for message in state.chat.messages
    )


def with_marker(state: RoomState, up_to: int) -> RoomState:
    """Return the state in which you have read up to there; the marker never goes back."""
    return _with_room(state, read_up_to=max(up_to, state.room.read_up_to))


def with_own_card(state: RoomState, story_id: UUID, card: str) -> RoomState:
    """Return the state in which you have played ``card``: no event tells it, not even to you."""
    table = state.poker
    if table is None or table.story is None or table.story.id != story_id:
        return state
    return state.model_copy(update={"poker": table.model_copy(update={"your_card": card})})


def _with_standing(state: RoomState, event: Event, own_id: UUID) -> RoomState:
    """Return the state with what an event changes in how you stand to the room."""
    match event.data:
        case ChatMessage() if event.by == own_id and event.seq is not None:
            return with_marker(state, event.seq)
        case ChatMarked(up_to=up_to) if event.by == own_id:
            return with_marker(state, up_to)
        case MemberRoleChanged(user=user, role=role) if user.id == own_id:
            return _with_room(state, role=role)
        case MemberMuted(user=user, until=until) if user.id == own_id:
            return _with_room(state, muted_until=until)
    return state


def _with_room(state: RoomState, **news: object) -> RoomState:
    return state.model_copy(update={"room": state.room.model_copy(update=news)})


def _with_presence(state: RoomState, change: PresenceChanged) -> RoomState:
    """Return the state with who came, as they are now, and without who went.

    All of it may be known already.
    """
    if change.reset:
        return state.model_copy(update={"people": change.joined, "count": change.count})
    people = {person.id: person for person in (*state.people, *change.joined)}
    for person in change.changed:
        if person.id in people:
            people[person.id] = person
    for user_id in change.left:
        people.pop(user_id, None)
    typing = tuple(person for person in state.typing if person.id in people)
    news = {"people": tuple(people.values()), "count": change.count, "typing": typing}
    return state.model_copy(update=news)


def _with_move(
    table: PokerState | None, move: PokerStarted | PokerVoted | PokerRevealed
) -> PokerState | None:
    if isinstance(move, PokerStarted):
        return _new_story(move)
    if table is None or table.story is None or table.story.id != move.story_id:
        return table
    if isinstance(move, PokerVoted):
        voted = {person.id: person for person in (*table.voted, move.player)}
        return table.model_copy(update={"voted": tuple(voted.values())})
    return table.model_copy(update={"votes": move.votes, "statistics": move.statistics})


def _new_story(started: PokerStarted) -> PokerState:
    return PokerState(
        game_id=started.game_id,
        name=started.name,
        deck=started.deck,
        host=started.host,
        story=started.story,
        voted=(),
        your_card=None,
        votes=None,
        statistics=None,
    )
