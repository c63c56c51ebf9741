"""Reading a room over HTTP."""

from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from gateway.activities.chat.messages import ChatEdit, ChatRead, ChatSend
from gateway.activities.reading.messages import MAX_OFFSET, MAX_QUERY_CHARACTERS
from gateway.core.ids import RoomId
from gateway.runtime.ledger import Ledger
from gateway.storage.database import Database
from gateway.web.services import Services
from tests.support.ledgers import read_log, wish
from tests.web.api_client import Guest, NewGuest, error_of


class Hall:
    """A public room with Ada as admin and Grace as member, and what is said there."""

    def __init__(self, room_id: str, services: Services, ledger: Ledger) -> None:
        self.id = room_id
        self.path = f"/v1/rooms/{room_id}"
        self._services = services
        self._ledger = ledger

    async def do(self, command: Any, guest: Guest, **data: object) -> None:  # noqa: ANN401 - a type of command
        """Carry out one command."""
        actor = await self._services.accounts.identify(guest.token)
        await self._ledger.submit(wish(command, RoomId(UUID(self.id)), actor, **data))

    async def get(self, guest: Guest, path: str, **params: object) -> dict[str, Any]:
        """Return an answer."""
        answer = await guest.client.get(self.path + path, params=params)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body


@pytest.fixture
async def hall(services: Services, ledger: Ledger, ada: Guest, grace: Guest) -> Hall:
    """Both have come in, and Ada has said three things."""
    room = (await ada.client.post("/v1/rooms", json={"name": uuid4().hex})).json()
    await grace.client.post(f"/v1/rooms/{room['id']}/join")
    hall = Hall(room["id"], services, ledger)
    for content in ("one", "two", "three"):
        await hall.do(ChatSend, ada, content=content)
    return hall


def texts(page: dict[str, Any]) -> list[str]:
    """Return what the messages of a page say."""
    return [message["content"] for message in page["messages"]]


async def test_history_goes_both_ways_by_the_tokens_of_the_answers(hall: Hall, grace: Guest):
    """Each answer is the next question's place."""
    newest = await hall.get(grace, "/messages", limit=2)
    assert (texts(newest), newest["next"]) == (["two", "three"], None)
    older = await hall.get(grace, "/messages", before=newest["previous"])
    assert (texts(older), older["previous"]) == (["one"], None)
    assert texts(await hall.get(grace, "/messages", after=older["next"])) == ["two", "three"]
    middle = newest["messages"][0]
    assert texts(await hall.get(grace, "/messages", around=middle["id"], limit=1)) == ["two"]
    assert texts(await hall.get(grace, "/messages", since=middle["seq"])) == ["three"]
    assert texts(await hall.get(grace, "/messages", offset=1, limit=1)) == ["two"]


async def test_a_message_its_edits_its_thread_and_its_readers(hall: Hall, ada: Guest, grace: Guest):
    """Each under the message's own address."""
    message = (await hall.get(grace, "/messages", limit=1))["messages"][0]
    await hall.do(ChatEdit, ada, message_id=message["id"], content="THREE")
    await hall.do(ChatSend, ada, content="four", reply_to=message["id"])
    await hall.do(ChatRead, grace)
    path = f"/messages/{message['id']}"
    assert (await hall.get(grace, path))["content"] == "THREE"
    (edit,) = (await hall.get(grace, f"{path}/edits"))["edits"]
    assert edit["content"] == "three"
    thread = await hall.get(grace, f"{path}/replies", limit=1)
    assert (texts(thread), thread["next"]) == (["four"], None)
    (receipt,) = (await hall.get(ada, f"{path}/receipts"))["receipts"]
    assert receipt["user"]["id"] == grace.id
    assert receipt["read_at"] is not None


async def test_words_people_and_bans(hall: Hall, ada: Guest, grace: Guest):
    """Search, members, and the list that only those who moderate see."""
    assert texts(await hall.get(grace, "/search", q="two or three")) == ["three", "two"]
    members = (await hall.get(grace, "/members"))["members"]
    assert [(m["user"]["id"], m["role"]) for m in members] == [
        (ada.id, "admin"),
        (grace.id, "member"),
    ]
    page = await hall.get(grace, "/members", limit=1)
    assert (await hall.get(grace, "/members", after=page["next"]))["members"] == members[1:]
    assert (await hall.get(ada, "/bans")) == {"bans": [], "next": None}
    answer = await grace.client.get(f"{hall.path}/bans")
    assert error_of(answer) == (403, "forbidden")


@pytest.mark.parametrize(
    ("path", "params", "field"),
    [
        ("/messages", {"limit": 0}, "limit"),
        ("/messages", {"limit": 101}, "limit"),
        ("/messages", {"limit": "many"}, "limit"),
        ("/messages", {"offset": MAX_OFFSET + 1}, "offset"),
        ("/messages", {"offset": -1}, "offset"),
        ("/messages", {"since": 10**40}, "since"),
        ("/messages", {"around": "three"}, "around"),
        ("/messages", {"before": "nonsense"}, "before"),
        ("/messages", {"after": "x" * 101}, "after"),
        ("/messages", {"after": "\0"}, "after"),
        ("/messages", {"since": 1, "offset": 1}, "query"),
        ("/messages", {"colour": "red"}, "colour"),
        ("/messages/three", {}, "message_id"),
        ("/search", {}, "q"),
        ("/search", {"q": "?!"}, "q"),
        ("/search", {"q": "a\0b"}, "q"),
        ("/search", {"q": "x" * (MAX_QUERY_CHARACTERS + 1)}, "q"),
        ("/members", {"after": "nonsense"}, "after"),
        ("/members", {"limit": 101}, "limit"),
        ("/bans", {"limit": 0}, "limit"),
    ],
)
async def test_a_wrong_parameter_is_named(
    hall: Hall, ada: Guest, path: str, params: dict[str, object], field: str
):
    """400 invalid_field, and which."""
    answer = await ada.client.get(hall.path + path, params=params)
    assert error_of(answer) == (400, "invalid_field")
    assert f'"{field}"' in answer.json()["error"]["message"]


NOWHERE = "00000000-0000-4000-8000-000000000000"

ROUTES = [
    *("/messages", "/search?q=one", "/members", "/bans", "/export"),
    *(f"/messages/{NOWHERE}{rest}" for rest in ("", "/edits", "/replies", "/receipts")),
]


@pytest.mark.parametrize("route", ROUTES)
async def test_strangers_read_nothing(hall: Hall, ada: Guest, new_guest: NewGuest, route: str):
    """A public room says that they are no members, a private one that it is not there."""
    linus = await new_guest("Linus")
    assert error_of(await linus.client.get(hall.path + route)) == (403, "not_a_member")
    room = await ada.client.post("/v1/rooms", json={"name": "secret", "is_private": True})
    secret = f"/v1/rooms/{room.json()['id']}"
    assert error_of(await linus.client.get(secret + route)) == (404, "unknown_room")
    assert error_of(await ada.client.get(f"/v1/rooms/{uuid4()}{route}")) == (404, "unknown_room")


@pytest.mark.parametrize("rest", ["", "/edits", "/replies", "/receipts"])
async def test_a_message_that_is_not_there_is_unknown(hall: Hall, ada: Guest, rest: str):
    """404 unknown_message."""
    answer = await ada.client.get(f"{hall.path}/messages/{uuid4()}{rest}")
    assert error_of(answer) == (404, "unknown_message")


async def test_an_export_is_a_file_of_json_lines(
    hall: Hall, ada: Guest, grace: Guest, database: Database
):
    """For the admin, under the room's name for machines; to nobody's cache."""
    assert error_of(await grace.client.get(f"{hall.path}/export")) == (403, "forbidden")
    answer = await ada.client.get(f"{hall.path}/export")
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert hall.id in answer.headers["content-disposition"]
    assert answer.headers["cache-control"] == "no-store"
    head, *events = answer.content.splitlines()
    assert orjson.loads(head)["to_seq"] == len(events) == 5
    assert events == await read_log(database, RoomId(UUID(hall.id)))


async def test_every_route_is_in_the_docs(ada: Guest):
    """With what it may answer."""
    document = (await ada.client.get("/openapi.json")).json()
    for path in ("messages", "search", "members", "bans", "export", "messages/{message_id}"):
        route = document["paths"][f"/v1/rooms/{{room_id}}/{path}"]["get"]
        assert {"200", "400", "401", "403", "404"} <= set(route["responses"])
    parameters = document["paths"]["/v1/rooms/{room_id}/messages"]["get"]["parameters"]
    names = {parameter["name"] for parameter in parameters}
    assert {"before", "after", "around", "since", "offset", "limit"} <= names
