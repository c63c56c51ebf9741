from datetime import UTC, datetime
from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from gateway.activities.chat.messages import (
    ChatDeleted,
    ChatEdited,
    ChatMarked,
    ChatMessage,
    ChatState,
    ReactionAdded,
    ReactionRemoved,
)
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
    MemberMuted,
    MemberRoleChanged,
    PresenceChanged,
    RoomStanding,
    RoomUpdated,
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


def message_id(seq: int) -> UUID:
    """Return the id of the message with this number."""
    return uuid5(NAMESPACE, str(seq))


def said(seq: int, text: str = "hello", author: PersonHere = ADA) -> Event:
    """Return the message with this number, Ada's unless somebody else is named."""
    message = ChatMessage(id=message_id(seq), number=seq, content=text, author=author)
    return Event(message, ROOM, seq=seq, at=AT, by=author.id)


def talk(state: RoomState, *changes: tuple[EventData, PersonHere]) -> RoomState:
    """Fold what people do as durable events that follow on one another."""
    for change, by in changes:
        event = Event(change, ROOM, seq=state.position.seq + 1, at=AT, by=by.id)
        state = after(state, event)
    return state


def after(state: RoomState, event: Event) -> RoomState:
    """Return Alan's state after an event."""
    return reducer.after(state, event, ALAN.id)


def fold(state: RoomState, *changes: EventData) -> RoomState:
    """Fold changes as durable events that follow on one another, or as ephemeral ones."""
    for change in changes:
        seq = state.position.seq + 1 if type(change).__name__.startswith("Poker") else None
        state = after(state, Event(change, ROOM, seq=seq, at=AT))
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
    state = after(after(a_room(), said(1, "one")), said(2, "two"))
    assert [(view.seq, view.content, view.at) for view in state.chat.messages] == [
        (1, "one", AT),
        (2, "two", AT),
    ]
    assert state.position.seq == 2


def test_only_the_newest_messages_are_kept():
    """A client that runs for weeks does not grow; that there is more is told."""
    state = a_room()
    for seq in range(1, MAX_MESSAGES + 3):
        state = after(state, said(seq))
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
            state = after(state, event)
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
    before = after(a_room(ADA), said(1))
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
    state = after(before, Event(UnknownEvent("chat.edited", {}), ROOM, seq=5, at=AT))
    assert state.position.seq == 5
    assert state.model_copy(update={"position": before.position}) == before


def test_an_edit_replaces_the_text_and_a_deletion_leaves_a_tombstone():
    """Both keep the message's place; a tombstone has neither text nor reactions."""
    state = after(after(a_room(), said(1)), said(2))
    reacted = (ReactionAdded(message_id=message_id(2), emoji="👍"), GRACE)
    edited = (ChatEdited(message_id=message_id(2), content="new", mentions=(ALAN.id,)), ADA)
    state = talk(state, reacted, edited)
    view = state.chat.messages[1]
    assert (view.content, view.edited_at, view.mentions) == ("new", AT, (ALAN.id,))
    state = talk(state, (ChatDeleted(message_id=message_id(2)), ADA))
    first, second = state.chat.messages
    assert (first.content, first.deleted_at) == ("hello", None)
    assert (second.content, second.deleted_at, second.reactions) == ("", AT, ())


def test_changes_of_messages_that_are_not_kept_change_nothing_but_the_position():
    """What a client has forgotten may still be edited by others."""
    before = after(a_room(), said(1))
    for change in (
        ChatEdited(message_id=ROOM, content="new"),
        ChatDeleted(message_id=ROOM),
        ReactionAdded(message_id=ROOM, emoji="👍"),
    ):
        state = talk(before, (change, ADA))
        assert state.chat == before.chat


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("👍🎉"), st.sampled_from([0, 1, 2]))))
def test_reactions_are_counted_as_people_come_and_go_with_them(
    moves: list[tuple[bool, str, int]],
):
    """Whatever is added and taken back: each emoji shows who has it now, and none shows nobody."""
    people = (ADA, GRACE, ALAN)
    have: dict[str, set[UUID]] = {"👍": set(), "🎉": set()}
    state = after(a_room(), said(1))
    for is_added, emoji, who in moves:
        person = people[who]
        if is_added == (person.id in have[emoji]):
            continue  # changes nothing, so the gateway tells nothing
        kind = ReactionAdded if is_added else ReactionRemoved
        state = talk(state, (kind(message_id=message_id(1), emoji=emoji), person))
        (have[emoji].add if is_added else have[emoji].discard)(person.id)
    shown = {r.emoji: (r.count, set(r.users)) for r in state.chat.messages[0].reactions}
    assert shown == {emoji: (len(users), users) for emoji, users in have.items() if users}


def test_what_others_say_is_unread_until_the_marker_passes_it():
    """Your own words move your marker, as does reading elsewhere; others' markers do not."""
    state = after(after(a_room(), said(1)), said(2))
    assert reducer.unread(state) == 2
    state = talk(state, (ChatMarked(up_to=2), GRACE))
    assert (reducer.unread(state), state.room.read_up_to) == (2, 0)
    state = talk(state, (ChatMarked(up_to=1), ALAN))
    assert (reducer.unread(state), state.room.read_up_to) == (1, 1)
    state = talk(state, (ChatDeleted(message_id=message_id(2)), ADA))
    assert reducer.unread(state) == 0
    state = after(after(state, said(6)), said(7, author=ALAN))
    assert (reducer.unread(state), state.room.read_up_to) == (0, 7)


@given(st.lists(st.integers(0, 50)))
def test_the_marker_never_goes_back(marks: list[int]):
    """Whatever order the news of several devices come in."""
    state = a_room()
    for mark in marks:
        state = reducer.with_marker(state, mark)
    assert state.room.read_up_to == max(marks, default=0)


def test_your_standing_follows_what_is_done_to_you_alone():
    """Role and mute are yours; what is done to others leaves them."""
    state = talk(
        a_room(),
        (MemberRoleChanged(user=ALAN, role="moderator"), ADA),
        (MemberRoleChanged(user=GRACE, role="admin"), ADA),
        (MemberMuted(user=ALAN, until=AT), ADA),
        (MemberMuted(user=GRACE, until=None), ADA),
    )
    assert (state.room.role, state.room.muted_until) == ("moderator", AT)
    state = talk(state, (MemberMuted(user=ALAN, until=None), ADA))
    assert state.room.muted_until is None


def test_an_archived_room_is_known_as_such():
    """Name, description and archive are as the last update says."""
    update = RoomUpdated(name="Attic", description="Old", is_archived=True, retention_days=None)
    room = talk(a_room(), (update, ADA)).room
    assert (room.name, room.description, room.is_archived) == ("Attic", "Old", True)
