"""Writing into a room over HTTP: the same commands, rules and errors as over a socket."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest

from gateway.storage.database import Database
from tests.web.api_client import Guest, error_of


class Place:
    """A room of Ada's in which Grace is, and the requests about it."""

    def __init__(self, room_id: str, database: Database) -> None:
        self.id = room_id
        self._database = database

    async def ask(
        self,
        guest: Guest,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str | None = None,
    ) -> httpx.Response:
        """Send a request about the room."""
        return await guest.client.request(
            method,
            f"/v1/rooms/{self.id}{path}",
            json=body,
            headers={"Idempotency-Key": key} if key else {},
        )

    async def do(self, guest: Guest, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Send a request that succeeds."""
        answer = await self.ask(guest, method, path, body)
        assert answer.status_code == 200, answer.text
        committed: dict[str, Any] = answer.json()
        return committed

    async def events(self) -> list[tuple[str, dict[str, Any]]]:
        """Return types and data of the room's log."""
        async with self._database.connection() as conn:
            rows = await conn.fetch(
                "select type, payload from room_events where room_id = $1::uuid order by seq",
                self.id,
            )
        return [(row["type"], orjson.loads(row["payload"])) for row in rows]

    async def say(self, guest: Guest, content: str = "Hello") -> str:
        """Say something; return the message's id."""
        await self.do(guest, "POST", "/messages", {"content": content})
        return str((await self.events())[-1][1]["id"])


@pytest.fixture
async def place(ada: Guest, grace: Guest, database: Database) -> Place:
    """Ada is the admin."""
    answer = await ada.client.post("/v1/rooms", json={"name": uuid4().hex})
    room_id = answer.json()["id"]
    await grace.client.post(f"/v1/rooms/{room_id}/join")
    return Place(room_id, database)


async def test_everything_that_can_be_done_to_a_message(place: Place, ada: Guest, grace: Guest):
    """Each request is one event."""
    message = await place.say(ada, "Helo")
    await place.do(ada, "PATCH", f"/messages/{message}", {"content": "Hello"})
    await place.do(grace, "PUT", f"/messages/{message}/reactions/👍")
    await place.do(grace, "PUT", "/read", {})
    await place.do(grace, "DELETE", f"/messages/{message}/reactions/👍")
    committed = await place.do(ada, "DELETE", f"/messages/{message}")
    events = await place.events()
    assert [name for name, _ in events[2:]] == [
        "chat.message",
        "chat.edited",
        "reaction.added",
        "chat.marked",
        "reaction.removed",
        "chat.deleted",
    ]
    assert committed["seq"] == len(events)


async def test_everything_that_can_be_done_to_a_member(place: Place, ada: Guest, grace: Guest):
    """And to the room."""
    member = f"/members/{grace.id}"
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    await place.do(ada, "PATCH", "", {"name": "Lounge", "retention_days": 30})
    await place.do(ada, "PUT", f"{member}/role", {"role": "moderator"})
    await place.do(ada, "PUT", f"{member}/mute", {"until": until})
    await place.do(ada, "PUT", f"{member}/mute", {"until": None})
    await place.do(ada, "PUT", f"/bans/{grace.id}", {"reason": "Advertising"})
    answer = await grace.client.post(f"/v1/rooms/{place.id}/join")
    assert error_of(answer) == (403, "banned")
    await place.do(ada, "DELETE", f"/bans/{grace.id}")
    await grace.client.post(f"/v1/rooms/{place.id}/join")
    await place.do(ada, "DELETE", member)
    await grace.client.post(f"/v1/rooms/{place.id}/join")
    await place.do(grace, "DELETE", "/members/me")
    assert [name for name, _ in (await place.events())[2:]] == [
        "room.updated",
        "member.role_changed",
        "member.muted",
        "member.muted",
        "member.banned",
        "member.left",
        "member.unbanned",
        "member.joined",
        "member.left",
        "member.joined",
        "member.left",
    ]


async def test_the_same_key_has_one_effect(place: Place, ada: Guest):
    """And gets the same answer."""
    answers = [
        await place.ask(ada, "POST", "/messages", {"content": "Hello"}, key="k1") for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    assert [name for name, _ in await place.events()].count("chat.message") == 1


async def test_an_archived_room_can_be_read_and_brought_back(
    place: Place, ada: Guest, grace: Guest
):
    """Not written."""
    await place.do(ada, "PATCH", "", {"is_archived": True})
    answer = await place.ask(grace, "POST", "/messages", {"content": "Hello"})
    assert error_of(answer) == (409, "invalid_state")
    await place.do(grace, "PUT", "/read", {})
    await place.do(ada, "PATCH", "", {"is_archived": False})
    await place.say(grace)


@pytest.mark.parametrize(
    ("method", "path", "body", "error"),
    [
        ("POST", "/messages", {"content": ""}, (400, "invalid_field")),
        ("POST", "/messages", {"content": "x" * 8_001}, (400, "invalid_field")),
        ("POST", "/messages", {"content": "x" * 10_000_000}, (413, "too_large")),
        ("POST", "/messages", {"contents": "x"}, (400, "invalid_field")),
        ("POST", "/messages", ["x"], (400, "bad_json")),
        ("PUT", "/read", {"seq": 1_000}, (400, "invalid_field")),
        ("PATCH", "", {"name": ""}, (403, "forbidden")),
        ("DELETE", "/members/ada", None, (400, "invalid_field")),
    ],
)
async def test_bad_input_is_told_by_name(
    place: Place, grace: Guest, *, method: str, path: str, body: object, error: tuple[int, str]
):
    """And nothing has changed."""
    before = await place.events()
    assert error_of(await place.ask(grace, method, path, body)) == error
    assert await place.events() == before


async def test_who_may_not_is_told_so(place: Place, ada: Guest, grace: Guest):
    """A member is no admin, and the last admin stays."""
    message = await place.say(ada)
    cases: list[tuple[Guest, str, str, object, tuple[int, str]]] = [
        (grace, "PATCH", f"/messages/{message}", {"content": "x"}, (403, "forbidden")),
        (grace, "DELETE", f"/messages/{message}", None, (403, "forbidden")),
        (grace, "DELETE", f"/members/{ada.id}", None, (403, "forbidden")),
        (grace, "PUT", f"/members/{grace.id}/role", {"role": "admin"}, (403, "forbidden")),
        (ada, "DELETE", "/members/me", None, (409, "last_admin")),
        (ada, "PUT", f"/members/{ada.id}/role", {"role": "member"}, (409, "last_admin")),
        (ada, "DELETE", f"/members/{ada.id}", None, (409, "invalid_state")),
        (ada, "DELETE", f"/members/{uuid4()}", None, (404, "unknown_member")),
        (ada, "DELETE", f"/messages/{uuid4()}", None, (404, "unknown_message")),
    ]
    for guest, method, path, body, error in cases:
        assert error_of(await place.ask(guest, method, path, body)) == error
