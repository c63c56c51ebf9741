"""Rooms over HTTP, and what becomes of them in the log."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
import pytest

from gateway.activities.rooms.inviting import INVITATIONS_PER_HOUR
from gateway.core.errors import InvalidField
from gateway.core.ids import RoomId
from gateway.storage.database import Database
from gateway.web.services import Services
from tests.web.api_client import Guest, NewGuest, error_of


async def create(guest: Guest, **room: object) -> dict[str, Any]:
    """Create a room and return it."""
    answer = await guest.client.post("/v1/rooms", json={"name": uuid4().hex, **room})
    assert answer.status_code == 201
    body: dict[str, Any] = answer.json()
    return body


async def invite(guest: Guest, room: dict[str, Any], **limits: object) -> str:
    """Make an invitation and return its token."""
    answer = await guest.client.post(f"/v1/rooms/{room['id']}/invitations", json=limits)
    assert answer.status_code == 201
    token: str = answer.json()["token"]
    return token


async def accept(guest: Guest, token: str) -> httpx.Response:
    """Accept an invitation."""
    return await guest.client.post("/v1/invitations/accept", json={"token": token})


async def the_log(database: Database, room: dict[str, Any]) -> list[tuple[int, str, str]]:
    """Return number, type and actor of the room's events, having checked them with the tables."""
    room_id = UUID(room["id"])
    async with database.connection() as conn:
        events = await conn.fetch(
            "select seq, type, actor, payload from room_events where room_id = $1 order by seq",
            room_id,
        )
        last_seq = await conn.fetchval("select last_seq from rooms where id = $1", room_id)
        members = await conn.fetch(
            "select user_id, role from room_users where room_id = $1", room_id
        )
    assert [event["seq"] for event in events] == list(range(1, last_seq + 1))
    payloads = [orjson.loads(event["payload"]) for event in events]
    joined = {(payload["user"]["id"], payload["role"]) for payload in payloads}
    assert joined == {(str(member["user_id"]), member["role"]) for member in members}
    return [(event["seq"], event["type"], str(event["actor"])) for event in events]


async def test_who_creates_a_room_is_its_admin_and_the_first_in_its_log(
    ada: Guest, database: Database
):
    """The room, the membership and event 1 are there together."""
    room = await create(ada, name="Sprint planning", description=" Mondays \n at ten ")
    assert room.pop("id")
    assert room == {
        "name": "Sprint planning",
        "description": "Mondays \n at ten",
        "is_private": False,
        "role": "admin",
    }


async def test_the_log_and_the_tables_agree_from_the_first_event_on(
    ada: Guest, grace: Guest, database: Database
):
    """Joining goes through the ledger, and only once."""
    room = await create(ada)
    for _ in range(2):
        answer = await grace.client.post(f"/v1/rooms/{room['id']}/join")
        assert answer.json() == {**room, "role": "member"}
    assert await the_log(database, room) == [
        (1, "member.joined", ada.id),
        (2, "member.joined", grace.id),
    ]


async def test_a_public_room_can_be_looked_at_by_whoever_is_signed_in(ada: Guest, grace: Guest):
    """Its role is null for a stranger."""
    room = await create(ada)
    answer = await grace.client.get(f"/v1/rooms/{room['id']}")
    assert answer.json() == {**room, "role": None}


async def test_a_private_room_is_a_secret(ada: Guest, grace: Guest):
    """A stranger gets the answer that a room that does not exist gives, whatever is tried."""
    secret, missing = (await create(ada, is_private=True))["id"], str(uuid4())
    for method, path, body in (
        ("GET", "/v1/rooms/{}", None),
        ("POST", "/v1/rooms/{}/join", None),
        ("POST", "/v1/rooms/{}/invitations", {}),
    ):
        answers = [
            await grace.client.request(method, path.format(room_id), json=body)
            for room_id in (secret, missing)
        ]
        assert error_of(answers[0]) == (404, "unknown_room")
        assert answers[0].json() == answers[1].json()


async def test_mine_are_the_rooms_i_am_in_by_name(ada: Guest, grace: Guest):
    """With the role and how much is unread; other people's rooms are not among them."""
    second = await create(ada, name="beta")
    first = await create(ada, name="Alpha", is_private=True)
    await create(grace)
    rooms = (await ada.client.get("/v1/rooms")).json()["rooms"]
    standing = {"is_archived": False, "unread": 0, "mentions": 0, "read_up_to": 0, "last_seq": 1}
    assert rooms == [{**first, **standing}, {**second, **standing}]


async def test_the_directory_lists_public_rooms_page_by_page(ada: Guest):
    """Every room once, in the order of the names, found by their beginning in any case."""
    prefix = uuid4().hex
    names = [f"{prefix} {number:03}" for number in range(60)]
    for name in reversed(names):
        await create(ada, name=name)
    await create(ada, name=f"{prefix} private", is_private=True)
    search = {"search": prefix.upper()}
    first = (await ada.client.get("/v1/rooms/directory", params=search)).json()
    more = {**search, "after": first["next"]}
    second = (await ada.client.get("/v1/rooms/directory", params=more)).json()
    assert [len(first["rooms"]), len(second["rooms"])] == [50, 10]
    assert [room["name"] for room in first["rooms"] + second["rooms"]] == names
    assert second["next"] is None


@pytest.mark.parametrize("after", ["", "nonsense", "€", "AAAA", "A" * 21, "A" * 22 + "=" * 9 + "!"])
async def test_a_place_in_the_directory_that_nobody_gave_out_is_an_error(ada: Guest, after: str):
    """Or it is a place like any other; never a failure of the gateway."""
    answer = await ada.client.get("/v1/rooms/directory", params={"after": after})
    if answer.status_code != 200:
        assert error_of(answer) == (400, "invalid_field")


async def test_a_name_is_one_public_room_for_all_who_ask_for_it(
    ada: Guest, grace: Guest, database: Database
):
    """Many at once, by two people: one room, one admin, one event."""
    name = f"team/{uuid4().hex} ☕"
    path = "/v1/rooms/by-name/" + name.replace("/", "%2F")
    answers = await asyncio.gather(
        *(guest.client.put(path) for guest in (ada, grace) for _ in range(5))
    )
    rooms = [answer.json() for answer in answers]
    assert {answer.status_code for answer in answers} == {200}
    assert len({room["id"] for room in rooms}) == 1
    assert {room["name"] for room in rooms} == {name}
    assert {room["role"] for room in rooms} == {"admin", None}
    assert len(await the_log(database, rooms[0])) == 1


async def test_a_private_room_of_the_name_is_not_the_public_one(ada: Guest):
    """It is not found by its name."""
    room = await create(ada, is_private=True)
    answer = await ada.client.put(f"/v1/rooms/by-name/{room['name']}")
    assert answer.json()["id"] != room["id"]


async def test_an_invitation_opens_a_private_room(ada: Guest, grace: Guest, database: Database):
    """Whoever has the token is a member; asking again changes nothing."""
    room = await create(ada, is_private=True)
    token = await invite(ada, room)
    for _ in range(2):
        assert (await accept(grace, token)).json() == {**room, "role": "member"}
    assert len(await the_log(database, room)) == 2


async def test_of_two_with_the_last_use_of_an_invitation_one_gets_in(
    ada: Guest,
    grace: Guest,
    new_guest: NewGuest,
    database: Database,
):
    """And the one who is in may repeat it: the answer may have been lost."""
    room = await create(ada, is_private=True)
    token = await invite(ada, room, max_uses=1)
    both = [grace, await new_guest("Linus")]
    answers = await asyncio.gather(*(accept(guest, token) for guest in both))
    assert sorted(answer.status_code for answer in answers) == [200, 404]
    winner = both[[answer.status_code for answer in answers].index(200)]
    assert (await accept(winner, token)).status_code == 200
    assert len(await the_log(database, room)) == 2


async def test_a_member_who_accepts_an_invitation_uses_nothing_up(ada: Guest, grace: Guest):
    """The last use is left for somebody who needs it, and an admin stays an admin."""
    room = await create(ada, is_private=True)
    token = await invite(ada, room, max_uses=1)
    assert (await accept(ada, token)).json()["role"] == "admin"
    assert (await accept(grace, token)).status_code == 200


async def test_an_invitation_that_has_ended_or_never_was_is_unknown(
    ada: Guest, grace: Guest, database: Database
):
    """404 unknown_invitation."""
    token = await invite(ada, await create(ada, is_private=True))
    async with database.connection() as conn:
        await conn.execute(
            "update room_invitations set expires_at = now() where created_by = $1", UUID(ada.id)
        )
    assert error_of(await accept(grace, token)) == (404, "unknown_invitation")
    assert error_of(await accept(grace, "nonsense")) == (404, "unknown_invitation")


@pytest.mark.parametrize(
    "limits",
    [
        {"expires_in_seconds": 0},
        {"expires_in_seconds": 366 * 86_400},
        {"max_uses": 0},
        {"max_uses": 10**7},
    ],
)
async def test_an_invitation_has_limits_that_make_sense(ada: Guest, limits: dict[str, int]):
    """At most a year and a million people, and neither is nothing."""
    room = await create(ada)
    answer = await ada.client.post(f"/v1/rooms/{room['id']}/invitations", json=limits)
    assert error_of(answer) == (400, "invalid_field")
    assert f'"{next(iter(limits))}"' in answer.json()["error"]["message"]


async def test_the_service_keeps_those_limits_without_the_routes(ada: Guest, services: Services):
    """Whoever calls it."""
    actor = await services.accounts.identify(ada.token)
    room_id = RoomId(UUID((await create(ada))["id"]))
    with pytest.raises(InvalidField, match="expires_in_seconds"):
        await services.invitations.make_link(actor, room_id, expires_in=timedelta(0))
    with pytest.raises(InvalidField, match="max_uses"):
        await services.invitations.make_link(actor, room_id, max_uses=0)


async def test_only_admins_and_moderators_invite(ada: Guest, grace: Guest):
    """A member may not."""
    room = await create(ada)
    await grace.client.post(f"/v1/rooms/{room['id']}/join")
    answer = await grace.client.post(f"/v1/rooms/{room['id']}/invitations", json={})
    assert error_of(answer) == (403, "forbidden")


async def test_the_token_of_an_invitation_is_stored_nowhere(ada: Guest, database: Database):
    """The table has its hash."""
    token = await invite(ada, await create(ada))
    async with database.connection() as conn:
        rows = await conn.fetch("select * from room_invitations")
    assert token not in str([tuple(row) for row in rows])


async def test_a_person_is_invited_and_accepts(ada: Guest, grace: Guest, database: Database):
    """Into a private room, too; accepting again changes nothing."""
    room = await create(ada, is_private=True)
    answer = await ada.client.post(f"/v1/rooms/{room['id']}/invitations/{grace.id}")
    assert answer.status_code == 201
    invitation = answer.json()
    assert invitation["room"] == {**room, "role": None}
    assert invitation["by"]["id"] == ada.id
    again = await ada.client.post(f"/v1/rooms/{room['id']}/invitations/{grace.id}")
    assert again.json()["id"] == invitation["id"]
    assert again.json()["expires_at"] > invitation["expires_at"]
    for _ in range(2):
        accepted = await grace.client.post(f"/v1/invitations/{invitation['id']}/accept")
        assert accepted.json() == {**room, "role": "member"}
    assert len(await the_log(database, room)) == 2


async def test_an_invitation_is_one_persons_own(ada: Guest, grace: Guest, new_guest: NewGuest):
    """Nobody else can accept or decline it; to them there is none."""
    room = await create(ada, is_private=True)
    path = f"/v1/rooms/{room['id']}/invitations/{grace.id}"
    own = f"/v1/invitations/{(await ada.client.post(path)).json()['id']}"
    linus = await new_guest("Linus")
    for other in (ada, linus):
        answer = await other.client.post(f"{own}/accept")
        assert error_of(answer) == (404, "unknown_invitation")
        assert (await other.client.delete(own)).status_code == 204
    assert (await grace.client.post(f"{own}/accept")).status_code == 200


async def test_a_declined_invitation_opens_nothing(ada: Guest, grace: Guest):
    """And to decline it again is no error."""
    room = await create(ada, is_private=True)
    path = f"/v1/rooms/{room['id']}/invitations/{grace.id}"
    own = f"/v1/invitations/{(await ada.client.post(path)).json()['id']}"
    for _ in range(2):
        assert (await grace.client.delete(own)).status_code == 204
    assert error_of(await grace.client.post(f"{own}/accept")) == (404, "unknown_invitation")


async def test_an_expired_invitation_opens_nothing(ada: Guest, grace: Guest, database: Database):
    """After a week, unless it was said again."""
    room = await create(ada, is_private=True)
    path = f"/v1/rooms/{room['id']}/invitations/{grace.id}"
    own = f"/v1/invitations/{(await ada.client.post(path)).json()['id']}"
    async with database.connection() as conn:
        await conn.execute(
            "update personal_invitations set expires_at = now() where user_id = $1",
            UUID(grace.id),
        )
    assert error_of(await grace.client.post(f"{own}/accept")) == (404, "unknown_invitation")
    await ada.client.post(path)
    assert (await grace.client.post(f"{own}/accept")).status_code == 200


async def test_who_may_be_invited_and_by_whom(
    ada: Guest, grace: Guest, new_guest: NewGuest, database: Database
):
    """By admins and moderators: anybody who is neither in nor banned, into a room in use."""
    room = await create(ada)
    linus = await new_guest("Linus")
    path = f"/v1/rooms/{room['id']}/invitations"
    assert error_of(await grace.client.post(f"{path}/{linus.id}")) == (403, "forbidden")
    await grace.client.post(f"/v1/rooms/{room['id']}/join")
    assert error_of(await grace.client.post(f"{path}/{linus.id}")) == (403, "forbidden")
    assert error_of(await ada.client.post(f"{path}/{uuid4()}")) == (404, "unknown_member")
    assert error_of(await ada.client.post(f"{path}/{grace.id}")) == (409, "invalid_state")
    nowhere = f"/v1/rooms/{uuid4()}/invitations/{linus.id}"
    assert error_of(await ada.client.post(nowhere)) == (404, "unknown_room")
    secret = (await create(ada, is_private=True))["id"]
    hidden = f"/v1/rooms/{secret}/invitations/{linus.id}"
    assert error_of(await grace.client.post(hidden)) == (404, "unknown_room")
    async with database.connection() as conn:
        await conn.execute(
            "update room_users set role = 'moderator' where user_id = $1", UUID(grace.id)
        )
        await conn.execute(
            "insert into room_bans (room_id, user_id) values ($1, $2)",
            UUID(room["id"]),
            UUID(linus.id),
        )
    assert error_of(await grace.client.post(f"{path}/{linus.id}")) == (403, "banned")
    async with database.connection() as conn:
        await conn.execute("delete from room_bans where user_id = $1", UUID(linus.id))
    assert (await grace.client.post(f"{path}/{linus.id}")).status_code == 201
    async with database.connection() as conn:
        await conn.execute("update rooms set is_archived = true where id = $1", UUID(room["id"]))
    assert error_of(await ada.client.post(f"{path}/{linus.id}")) == (409, "invalid_state")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"name": "ok", "description": "a\0b"}, "description"),
        ({"name": "ok", "is_private": "perhaps"}, "is_private"),
        ({"name": "ok", "color": "red"}, "color"),
        ({}, "name"),
    ],
)
async def test_a_wrong_field_is_named(ada: Guest, body: dict[str, object], field: str):
    """400 invalid_field, and which."""
    answer = await ada.client.post("/v1/rooms", json=body)
    assert error_of(answer) == (400, "invalid_field")
    assert f'"{field}"' in answer.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/v1/rooms/directory?search=%00", "/v1/rooms/by-name/%00"])
async def test_nul_in_an_address_is_a_wrong_field(ada: Guest, path: str):
    """PostgreSQL could not store it."""
    method = "PUT" if "by-name" in path else "GET"
    assert error_of(await ada.client.request(method, path)) == (400, "invalid_field")


async def test_open_invitations_are_listed_and_withdrawn(
    ada: Guest, grace: Guest, new_guest: NewGuest, database: Database
):
    """By admins and moderators, links without their tokens. Safe to repeat, and audited."""
    room = await create(ada, is_private=True)
    path = f"/v1/rooms/{room['id']}/invitations"
    linus = await new_guest("Linus")
    link = (await ada.client.post(path, json={"max_uses": 3})).json()
    personal, accepted = [
        (await ada.client.post(f"{path}/{person.id}")).json() for person in (grace, linus)
    ]
    await linus.client.post(f"/v1/invitations/{accepted['id']}/accept")
    listed = (await ada.client.get(path)).json()
    assert [(one["id"], one["user"]["id"], one["by"]["id"]) for one in listed["people"]] == [
        (personal["id"], grace.id, ada.id)
    ]
    assert [(one["id"], one["max_uses"], one["uses"]) for one in listed["links"]] == [
        (link["id"], 3, 0)
    ]
    assert link["token"] not in str(listed)
    assert error_of(await grace.client.get(path)) == (404, "unknown_room")
    assert error_of(await linus.client.get(path)) == (403, "forbidden")
    for one in (personal, link):
        withdraw = f"{path}/{one['id']}"
        assert error_of(await linus.client.delete(withdraw)) == (403, "forbidden")
        for _ in range(2):
            assert (await ada.client.delete(withdraw)).status_code == 204
    assert (await ada.client.get(path)).json() == {"people": [], "links": []}
    for answer in (
        await grace.client.post(f"/v1/invitations/{personal['id']}/accept"),
        await accept(grace, link["token"]),
    ):
        assert error_of(answer) == (404, "unknown_invitation")
    async with database.connection() as conn:
        rows = await conn.fetch(
            "select action, details from audit_log where entity_id = $1 order by id", room["id"]
        )
    assert [(row["action"], row["details"]) for row in rows] == [
        ("invite_link", {"invitation": link["id"]}),
        ("invite", {"person": grace.id}),
        ("invite", {"person": linus.id}),
        ("withdraw_invitation", {"invitation": personal["id"]}),
        ("withdraw_invitation", {"invitation": link["id"]}),
    ]


async def test_ones_own_invitations_are_listed(ada: Guest, grace: Guest):
    """As the inbox shows them, until they are accepted or declined."""
    rooms = [await create(ada, is_private=True) for _ in range(2)]
    first, second = [
        (await ada.client.post(f"/v1/rooms/{room['id']}/invitations/{grace.id}")).json()
        for room in rooms
    ]
    listed = (await grace.client.get("/v1/invitations")).json()
    assert listed == {"invitations": [second, first]}
    await grace.client.post(f"/v1/invitations/{first['id']}/accept")
    await grace.client.delete(f"/v1/invitations/{second['id']}")
    assert (await grace.client.get("/v1/invitations")).json() == {"invitations": []}


async def test_nobody_invites_without_end(ada: Guest, grace: Guest):
    """Thirty people an hour, into however many rooms; links are for whoever wants them."""
    room = await create(ada)
    path = f"/v1/rooms/{room['id']}/invitations"
    for _ in range(INVITATIONS_PER_HOUR):
        assert (await ada.client.post(f"{path}/{grace.id}")).status_code == 201
    another = f"/v1/rooms/{(await create(ada))['id']}/invitations"
    answer = await ada.client.post(f"{another}/{grace.id}")
    assert error_of(answer) == (429, "rate_limited")
    assert int(answer.headers["Retry-After"]) <= 3600
    assert (await ada.client.post(path, json={})).status_code == 201
