"""What people do in their rooms: mostly they talk."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from tests.support.recorder import Recorder

REPLIES: Final = 0.2
MENTIONS: Final = 0.15
# Of what is said.

LOUD_PADDING: Final = 6_000
"""Characters of the messages in one room, so that who does not read it is soon behind."""

EMOJI: Final = ("👍", "🎉", "❤️", "😂")

BAN_SECONDS: Final = (1.0, 8.0)
MUTE_SECONDS: Final = (0.5, 8.0)

FOR_GOOD: Final = 0.15
"""Of the bans have no end but by an admin."""

IN_OFFICE: Final = 0.85
"""Of what only admins and moderators may do is done by one, as far as is known; the rest tries."""

Habit = Callable[[Recorder, str], object]


class Habits:
    """Lets people wish for things, as chance has it."""

    def __init__(
        self, recorders: Iterable[Recorder], founders: Mapping[str, Recorder], rng: random.Random
    ) -> None:
        """``founders`` are the admins of the rooms; the first room is the loud one."""
        self._rng = rng
        self._loud_room = next(iter(founders))
        self._people: dict[str, list[Recorder]] = defaultdict(list)
        for recorder in recorders:
            for room in recorder.records:
                self._people[room].append(recorder)
        self._officers = {room: [founder] for room, founder in founders.items()}
        self._banned: dict[str, list[str]] = defaultdict(list)
        self._habits: Mapping[Habit, float] = {
            self._say: 54,
            self._vote: 7,
            self._start_story: 3,
            self._edit: 8,
            self._delete: 3,
            self._react: 9,
            self._take_reaction_back: 3,
            self._read: 8,
            self._leave: 1,
            self._moderate: 4,
        }

    def act(self, recorder: Recorder) -> None:
        """Have somebody do something in one of their rooms."""
        room = self._rng.choice(sorted(recorder.records))
        (habit,) = self._rng.choices([*self._habits], [*self._habits.values()])
        habit(recorder, room)

    def _say(self, recorder: Recorder, room: str) -> None:
        heard = recorder.records[room].heard
        data: dict[str, object] = {}
        if heard and self._rng.random() < REPLIES:
            data["reply_to"] = self._rng.choice(heard).id
        if self._rng.random() < MENTIONS:
            data["mentions"] = [other.user for other in self._rng.choices(self._people[room], k=2)]
        recorder.say(room, padding=LOUD_PADDING if room == self._loud_room else 0, **data)

    def _vote(self, recorder: Recorder, room: str) -> None:
        recorder.ask(room, "poker.vote", card="5")

    def _start_story(self, recorder: Recorder, room: str) -> None:
        recorder.start_story(room)

    def _edit(self, recorder: Recorder, room: str) -> None:
        if own := self._own(recorder, room):
            recorder.edit(room, self._rng.choice(own))

    def _delete(self, recorder: Recorder, room: str) -> None:
        if recorder in self._officers[room] and (heard := recorder.records[room].heard):
            recorder.ask(room, "chat.delete", message_id=self._rng.choice(heard).id)
        elif own := self._own(recorder, room):
            recorder.ask(room, "chat.delete", message_id=self._rng.choice(own))

    def _own(self, recorder: Recorder, room: str) -> list[str]:
        heard = recorder.records[room].heard
        return [message.id for message in heard if message.author == recorder.user]

    def _react(self, recorder: Recorder, room: str) -> None:
        if heard := recorder.records[room].heard:
            message_id, emoji = self._rng.choice(heard).id, self._rng.choice(EMOJI)
            recorder.ask(room, "reaction.add", message_id=message_id, emoji=emoji)

    def _take_reaction_back(self, recorder: Recorder, room: str) -> None:
        if reactions := recorder.records[room].reactions:
            message_id, emoji = self._rng.choice(reactions)
            recorder.ask(room, "reaction.remove", message_id=message_id, emoji=emoji)

    def _read(self, recorder: Recorder, room: str) -> None:
        """Move the marker to the end, to where the client is, or back."""
        seq = recorder.records[room].seq
        places: list[dict[str, object]] = [{}]
        if seq:
            places += [{"seq": seq}, {"seq": self._rng.randint(max(1, seq - 20), seq)}]
        place = self._rng.choice(places)
        for _ in range(self._rng.choice([1, 1, 2])):
            recorder.ask(room, "chat.read", **place)

    def _leave(self, recorder: Recorder, room: str) -> None:
        recorder.ask(room, "member.leave")

    def _moderate(self, recorder: Recorder, room: str) -> None:
        if self._rng.random() < IN_OFFICE:
            recorder = self._rng.choice(self._officers[room])
        target = self._rng.choice([one for one in self._people[room] if one is not recorder])
        banned = self._banned[room]
        match self._rng.choice(["kick", "ban", "unban", "mute", "mute", "unmute", "role"]):
            case "kick":
                recorder.ask(room, "member.kick", user_id=target.user)
            case "ban":
                seconds = None if self._rng.random() < FOR_GOOD else BAN_SECONDS
                recorder.ask(
                    room, "member.ban", user_id=target.user, until=self._until(seconds), reason="!"
                )
                banned.append(target.user)
            case "unban" if banned and banned[0] != recorder.user:
                recorder.ask(room, "member.unban", user_id=banned.pop(0))
            case "mute":
                until = self._until(MUTE_SECONDS)
                recorder.ask(room, "member.mute", user_id=target.user, until=until)
            case "unmute":
                recorder.ask(room, "member.mute", user_id=target.user, until=None)
            case "role":
                role = self._rng.choice(["admin", "moderator", "member"])
                recorder.ask(room, "member.set_role", user_id=target.user, role=role)
                if role != "member" and target not in self._officers[room]:
                    self._officers[room].append(target)

    def _until(self, seconds: tuple[float, float] | None) -> str | None:
        if seconds is None:
            return None
        return (datetime.now(UTC) + timedelta(seconds=self._rng.uniform(*seconds))).isoformat()
