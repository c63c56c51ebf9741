from uuid import UUID

import pytest

from gateway.cli.terminal_actions import NotPossible, friendly, last_of, nth_last
from gateway.client import ClientError, InvalidState, MessageView, Muted, RoomState
from gateway.docs_generator.examples import ADA, GRACE, REPLIES

MESSAGE = RoomState.model_validate(REPLIES["RoomState"]).chat.messages[0]


def messages(*texts: str) -> tuple[MessageView, ...]:
    """Return Ada's messages; empty ones are deleted."""
    return tuple(
        MESSAGE.model_copy(update={"content": text, "deleted_at": None if text else MESSAGE.at})
        for text in texts
    )


def test_messages_are_counted_from_the_last_without_deleted_ones():
    """The last one is the first."""
    some = messages("a", "b", "", "c", "")
    assert [nth_last(some, place).content for place in (1, 2, 3)] == ["c", "b", "a"]
    assert last_of(some, UUID(ADA["id"])).content == "c"


def test_messages_that_are_not_there_are_told_in_a_sentence():
    """Too far back, none at all, or none of one's own."""
    for some, place, problem in (
        (messages("a", "b"), 3, "Only 2 messages are known here."),
        (messages("a"), 2, "Only one message is known here."),
        (messages(""), 1, "There is no message yet."),
    ):
        with pytest.raises(NotPossible) as refused:
            nth_last(some, place)
        assert str(refused.value) == problem
    with pytest.raises(NotPossible, match="You have not said anything"):
        last_of(messages("a"), UUID(GRACE["id"]))


def test_people_are_not_told_of_fields_and_time_zones():
    """What the gateway says to programs is put into a person's words."""
    wrong = ClientError('The field "data.emoji" is wrong: one emoji of Unicode.')
    assert friendly(wrong) == "That does not fit: one emoji of Unicode."
    muted = Muted("muted", "You may not speak until 2026-05-04T09:30+00:00.", retryable=False)
    assert friendly(muted) == "You may not say anything here at the moment: you are muted."
    closed = InvalidState("invalid_state", "No story is open.", retryable=False)
    assert friendly(closed) == "No story is open."
