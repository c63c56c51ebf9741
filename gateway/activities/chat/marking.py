"""Read markers, as the ledger moves them: all of a batch in two statements."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from gateway.activities.activity import Context, Outcome, Submission
from gateway.activities.chat import rules
from gateway.activities.chat.messages import ChatMarked, ChatRead
from gateway.core.errors import InvalidField
from gateway.core.ids import MessageId, RoomId, Seq, UserId
from gateway.storage.connection import Connection
from gateway.storage.generated import messages as message_queries
from gateway.storage.generated.messages import ReadMarksRow


class _Move(NamedTuple):
    room_id: RoomId
    user_id: UserId
    seq: Seq
    number: int
    message_id: MessageId | None
    is_told: bool


class Marking:
    """The plan of ``chat.read``."""

    def __init__(self) -> None:
        self._marks: dict[tuple[RoomId, UserId, int], ReadMarksRow] = {}
        self._moves: dict[tuple[RoomId, UserId], _Move] = {}

    async def load(self, conn: Connection, submissions: Sequence[Submission]) -> None:
        """Read where the markers stand and where they shall go."""
        wanted = {
            (submission.room_id, submission.actor.user_id, _asked(submission.command))
            for submission in submissions
        }
        room_ids, user_ids, seqs = zip(*wanted, strict=True)
        rows = await message_queries.read_marks(
            conn, room_ids=room_ids, user_ids=user_ids, seqs=seqs, small_room=rules.SMALL_ROOM
        )
        self._marks = {(row.room_id, row.user_id, row.asked): row for row in rows}

    def carry_out(self, context: Context, command: ChatRead) -> Outcome:
        """Move a marker on."""
        context.require_member()
        asked = _asked(command)
        if asked > context.room.last_seq:
            raise InvalidField(
                'The field "data.seq" is wrong: the log of this room ends at '
                f"{context.room.last_seq}."
            )
        place = context.room.id, context.actor.user_id
        mark = self._marks.get((*place, asked))
        if mark is None:  # became a member in this very batch, and has read what there is
            return Outcome(())
        # Without a message in between there is nothing to be read: else the event that tells of
        # a marker at the end of the log would be one more to be marked.
        before = self._moves.get(place)
        if mark.number <= (before.number if before else mark.read_count):
            return Outcome(())
        self._moves[place] = _Move(
            *place, Seq(mark.up_to), mark.number, mark.message_id, is_told=mark.is_small
        )
        events = (ChatMarked(up_to=mark.up_to),) if mark.is_small else ()
        return Outcome(events, touched=(context.actor.user_id,))

    async def write(self, conn: Connection, now: datetime) -> None:
        """Move the markers."""
        if self._moves:
            room_ids, user_ids, seqs, numbers, message_ids, is_told = zip(
                *self._moves.values(), strict=True
            )
            await message_queries.move_markers(
                conn,
                room_ids=room_ids,
                user_ids=user_ids,
                seqs=seqs,
                numbers=numbers,
                message_ids=message_ids,
                is_told=is_told,
                read_at=now,
            )


def _asked(command: object) -> int:
    """Return the position asked for; 0 is the end of the log."""
    assert isinstance(command, ChatRead)  # noqa: S101 - a plan gets its own commands
    return command.data.seq or 0
