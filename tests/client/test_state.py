from datetime import UTC, datetime
from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from gateway.activities.chat.messages import ChatMessage, ChatState
from gateway.activities.poker.messages import (
    PokerRevealed,
    PokerStarted,
    PokerVoted,
    RevealedVote,
    Statistics,
    Story,
)
from gateway.activities.protocol import Behind, RoomState, UpToDate
from gateway.activities.rooms.messages import (
    PresenceChanged,
    RoomStanding,
    TypingChanged,
    WirePosition,
)
from gateway.client import state as reducer
from gateway.client.chat_state import MAX_MESSAGES
from gateway.client.events import Event, UnknownEvent
from gateway.core.ids import RoomId
from gateway.core.protocol.base import EventData, PersonHere

NAMESPACE = UUID("6f9619ff-8b86-4011-b42d-00cf4fc964ff")
ROOM = RoomId(uuid5(NAMESPACE, "room"))
AT = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)


def person(name: str) -> PersonHere:
    """Return somebody of this name."""
    return PersonHere(id=uuid5(NAMESPACE, name), name=name)


ADA, GRACE, ALAN = person("Ada"), person("Grace"), person("Alan")
STORY, OTHER_STORY = Story(id=uuid5(NAMESPACE, "s1"), title="Login"), Story(id=ROOM, title="Logout")
GAME = uuid5(NAMESPACE, "game")


def a_room(*people: PersonHere, seq: int = 0) -> RoomState:
    """Return a room with these people and no messages."""
    return RoomState(
        room=RoomStanding(
            id=ROOM,
            name="lobby",
            description=None,
            is_private=False,
            role="member",
            is_archived=False,
            read_up_to=0,
            muted_until=None,
        ),
        position=WirePosition(epoch=1, seq=seq),
        people=people,
        count=len(people),
        typing=(),
        chat=ChatState(messages=(), has_more=False),
        poker=None,
    )


def said(seq: int, text: str = "hello") -> Event:
    """Return Ada's message with this number."""
    message = ChatMessage(id=uuid5(NAMESPACE, str(seq)), number=seq, content=text, author=ADA)
    return Event(message, ROOM, seq=seq, at=AT, by=ADA.id)


def fold(state: RoomState, *changes: EventData) -> RoomState:
    """Fold changes as durable events that follow on one another, or as ephemeral ones."""
    for change in changes:
        seq = state.position.seq + 1 if type(change).__name__.startswith("Poker") else None
        state = reducer.after(state, Event(change, ROOM, seq=seq, at=AT))
    return state


def started(story: Story = STORY) -> PokerStarted:
    """Return the opening of a story."""
    return PokerStarted(game_id=GAME, name="lobby", deck=("1", "2"), host=ADA, story=story)


def voted(player: PersonHere, story: Story = STORY) -> PokerVoted:
    """Return a player's vote."""
    return PokerVoted(game_id=GAME, story_id=story.id, player=player, voted=1)


def test_in_a_big_room_the_newest_replace_who_was_shown():
    """The number says how many there are."""
    change = PresenceChanged(joined=(GRACE,), left=(), count=5_000, reset=True)
    state = fold(a_room(ADA, ALAN), change)
    assert (state.people, state.count) == ((GRACE,), 5_000)


def test_messages_are_kept_in_order_with_their_place_in_the_log():
    """A message becomes part of the state as the gateway's own snapshot would show it."""
    state = reducer.after(reducer.after(a_room(), said(1, "one")), said(2, "two"))
    assert [(view.seq, view.content, view.at) for view in state.chat.messages] == [
        (1, "one", AT),
        (2, "two", AT),
    ]
    assert state.position.seq == 2


def test_only_the_newest_messages_are_kept():
    """A client that runs for weeks does not grow; that there is more is told."""
    state = a_room()
    for seq in range(1, MAX_MESSAGES + 3):
        state = reducer.after(state, said(seq))
    assert len(state.chat.messages) == MAX_MESSAGES
    assert state.chat.messages[0].seq == 3
    assert state.chat.has_more


@given(st.lists(st.integers(1, 30), max_size=60))
def test_any_repetition_of_events_gives_every_number_once(seqs: list[int]):
    """Events that are covered or do not follow are told apart from the one that is next."""
    state = a_room()
    taken = []
    for seq in seqs:
        event = said(seq)
        if not reducer.is_covered(state, event) and reducer.follows(state, event):
            state = reducer.after(state, event)
            taken.append(seq)
    assert taken == list(range(1, len(taken) + 1))
    assert [view.seq for view in state.chat.messages] == taken


def test_people_come_and_go_and_may_be_known_already():
    """A change that repeats what the state knows does no harm."""
    change = PresenceChanged(joined=(ADA, GRACE), left=(ALAN.id,), count=2)
    assert fold(a_room(ADA, ALAN), change, change).people == (ADA, GRACE)


def test_who_is_away_is_shown_as_such():
    """Who is not shown, in a big room for instance, is not shown because of it."""
    away, unknown = (one.model_copy(update={"status": "away"}) for one in (GRACE, ALAN))
    change = PresenceChanged(joined=(), left=(), changed=(away, unknown), count=2)
    assert fold(a_room(ADA, GRACE), change).people == (ADA, away)


def test_who_has_left_no_longer_types():
    """The typing list loses whoever goes."""
    state = fold(a_room(ADA, GRACE), TypingChanged(users=(ADA, GRACE)))
    assert fold(state, PresenceChanged(joined=(), left=(ADA.id,), count=1)).typing == (GRACE,)


def test_a_story_goes_from_open_to_revealed():
    """The table shows who has voted, once each, and the cards only after the reveal."""
    state = fold(a_room(), started(), voted(ADA), voted(GRACE), voted(ADA))
    assert state.poker is not None
    assert state.poker.voted == (ADA, GRACE)
    assert state.poker.votes is None
    statistics = Statistics(
        votes=1, average=1, median=1, minimum=1, maximum=1, consensus=True, distribution={"1": 1}
    )
    cards = (RevealedVote(player=ADA, card="1"),)
    revealed = PokerRevealed(game_id=GAME, story_id=STORY.id, votes=cards, statistics=statistics)
    state = fold(state, revealed)
    assert state.poker is not None
    assert (state.poker.votes, state.poker.statistics) == (cards, statistics)


def test_a_new_story_clears_the_table():
    """Votes of the story before do not show on the next one."""
    state = fold(a_room(), started(), voted(ADA), started(OTHER_STORY), voted(GRACE, STORY))
    assert state.poker is not None
    assert state.poker.story == OTHER_STORY
    assert state.poker.voted == ()


def test_your_own_card_is_kept_for_its_story_only():
    """A card played on a story that was closed meanwhile is not shown on the next."""
    state = fold(a_room(), started())
    assert reducer.with_own_card(state, OTHER_STORY.id, "2") == state
    table = reducer.with_own_card(state, STORY.id, "2").poker
    assert table is not None
    assert table.your_card == "2"


def test_coming_back_keeps_what_is_durable_and_renews_the_rest():
    """After a resume the messages and the position stay; people and typing are the answer's."""
    before = reducer.after(a_room(ADA), said(1))
    answer = UpToDate(
        room=before.room, position=before.position, people=(GRACE,), count=1, typing=(GRACE,)
    )
    state = reducer.resumed(before, answer)
    assert (state.chat, state.position) == (before.chat, before.position)
    assert (state.people, state.typing) == ((GRACE,), (GRACE,))


def test_a_behind_notice_renews_who_is_here():
    """What was skipped for a slow reader is made good by the notice."""
    state = reducer.caught_up(
        a_room(ADA), Behind(room=ROOM, people=(GRACE,), count=1, typing=(GRACE,))
    )
    assert (state.people, state.typing) == ((GRACE,), (GRACE,))


def test_an_unknown_durable_event_moves_the_position_only():
    """A newer gateway's events do not tear a gap into the numbers."""
    before = a_room(ADA, seq=4)
    state = reducer.after(before, Event(UnknownEvent("chat.edited", {}), ROOM, seq=5, at=AT))
    assert state.position.seq == 5
    assert state.model_copy(update={"position": before.position}) == before
