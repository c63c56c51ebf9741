"""How rooms stand, read for all who come in at the same time, in one snapshot of the database."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, cast

from gateway.activities.activity import StateReader, Visit
from gateway.activities.catalogue import ACTIVITIES
from gateway.activities.protocol import Replay, RoomState, UpToDate
from gateway.activities.rooms.messages import Role, RoomStanding, WirePosition
from gateway.core.errors import GatewayError, UnknownRoom
from gateway.core.identity import Identity
from gateway.core.ids import Position, RoomId, Seq, UserId
from gateway.core.protocol.base import WireModel
from gateway.core.resume import Resume, how_to_resume
from gateway.runtime.gathering import Gathering
from gateway.runtime.room import Room
from gateway.runtime.supervision import Supervisor
from gateway.runtime.typing_notes import typing_people
from gateway.storage.connection import Connection
from gateway.storage.database import Database
from gateway.storage.generated import log as log_queries

Standing = log_queries.ReadRoomsForRow
"""A room as one person stands to it."""

MAX_VISITS: Final = 32
"""Read at once. More would hold the event loop up for longer than those inside should wait."""

_REPLIES: Final[Mapping[Resume, type[WireModel]]] = {
    Resume.UP_TO_DATE: UpToDate,
    Resume.REPLAY: Replay,
    Resume.SNAPSHOT: RoomState,
}


@dataclass(frozen=True, slots=True)
class Reading:
    """What a join will be answered, but for presence and typing, added at the last moment."""

    resume: Resume
    standing: Standing
    activities: dict[str, WireModel | None] = field(default_factory=dict)

    @property
    def seq(self) -> Seq:
        """The last event that it covers."""
        return Seq(self.standing.last_seq)

    def complete(self, room: Room) -> WireModel:
        """Return the reply."""
        standing = self.standing
        fields: dict[str, Any] = {
            "room": RoomStanding(
                id=standing.id,
                name=standing.name,
                description=standing.description,
                is_private=standing.is_private,
                role=cast("Role", standing.role),
                is_archived=standing.is_archived,
                read_up_to=standing.last_read_seq or 0,
                muted_until=standing.muted_until,
            ),
            "position": WirePosition(epoch=standing.epoch, seq=standing.last_seq),
            "people": room.roster.people,
            "count": len(room.roster),
            "typing": typing_people(room),
            **self.activities,
        }
        return _REPLIES[self.resume](**fields)


class _Question(NamedTuple):
    visit: Visit
    since: Position | None


class RoomReader:
    """Reads rooms for newcomers."""

    def __init__(self, database: Database, supervisor: Supervisor) -> None:
        self._database = database
        self._gathering: Gathering[_Question, Reading | None] = Gathering(
            "read rooms", self._read_all, supervisor, MAX_VISITS
        )
        self._readers: dict[str, StateReader] = {
            activity.name: activity.read_states
            for activity in ACTIVITIES
            if activity.read_states is not None
        }

    async def read(
        self, room_id: RoomId, viewer: Identity, since: Position | None
    ) -> Reading | None:
        """Return what a newcomer needs, from ``since`` on; ``None`` for a stranger.

        Raises ``UnknownRoom`` for what does not exist or may not be seen.
        """
        return await self._gathering.ask(_Question(Visit(room_id, viewer), since))

    async def _read_all(
        self, questions: Sequence[_Question]
    ) -> list[Reading | GatewayError | None]:
        async with self._database.snapshot() as conn:
            standings = await _read_standings(conn, [question.visit for question in questions])
            answers = [_answer(standings.get(_pair(q.visit)), q.since) for q in questions]
            snapshots = [
                (question.visit, answer)
                for question, answer in zip(questions, answers, strict=True)
                if isinstance(answer, Reading) and answer.resume is Resume.SNAPSHOT
            ]
            if snapshots:
                for name, read_states in self._readers.items():
                    states = await read_states(conn, [visit for visit, _ in snapshots])
                    for (_, reading), state in zip(snapshots, states, strict=True):
                        reading.activities[name] = state
        return answers


async def _read_standings(
    conn: Connection, visits: Iterable[Visit]
) -> dict[tuple[RoomId, UserId], Standing]:
    pairs = {_pair(visit) for visit in visits}
    rows = await log_queries.read_rooms_for(
        conn,
        room_ids=[room_id for room_id, _ in pairs],
        user_ids=[user_id for _, user_id in pairs],
    )
    return {(row.id, row.user_id): row for row in rows}


def _pair(visit: Visit) -> tuple[RoomId, UserId]:
    return visit.room_id, visit.viewer.user_id


def _answer(standing: Standing | None, since: Position | None) -> Reading | GatewayError | None:
    if standing is None or (standing.role is None and standing.is_private):
        return UnknownRoom("There is no such room, or you may not see it.")
    if standing.role is None:
        return None
    end = Position(standing.epoch, Seq(standing.last_seq))
    return Reading(how_to_resume(since, end, Seq(standing.log_start)), standing)
