"""Inboxes on two instances: what is unread in all rooms, live, on every device."""

from typing import NamedTuple
from uuid import uuid4

import pytest

from tests.integration.conftest import Connect, Pair, StartGateway
from tests.support.gateway_process import GatewayProcess, Guest
from tests.support.inbox import Inbox
from tests.support.socket_client import Refused, SocketClient, open_socket

pytestmark = pytest.mark.slow  # an inbox is told of changes once a second

NOBODY = str(uuid4())


class Devices(NamedTuple):
    """Grace's two devices, one on each instance, with their inboxes open; and Ada, who talks."""

    ada: SocketClient
    first: Inbox
    second: Inbox
    room: str

    async def show(self, **values: object) -> None:
        """Wait until both show the room so."""
        for inbox in (self.first, self.second):
            await inbox.shows(self.room, **values)


@pytest.fixture
async def devices(pair: Pair, connect: Connect, ada: Guest, grace: Guest, room: str) -> Devices:
    """Grace is a member of Ada's room, which is open on none of her devices."""
    await join(pair.first, grace, room)
    of_ada = await connect(pair.first, ada)
    await of_ada.ask("room.join", room=room)
    inboxes = [await Inbox.open(await connect(gateway, grace)) for gateway in pair]
    assert [inbox.has(room, role="member", unread=0, mentions=0) for inbox in inboxes] == [True] * 2
    return Devices(of_ada, inboxes[0], inboxes[1], room)


async def join(gateway: GatewayProcess, guest: Guest, room: str) -> None:
    """Make somebody a member, over HTTP."""
    async with gateway.http(guest) as http:
        (await http.post(f"/v1/rooms/{room}/join")).raise_for_status()


async def say(client: SocketClient, room: str, content: str = "Hello", **data: object) -> str:
    """Send a message as somebody who has the room open, and return its id."""
    key = uuid4().hex
    await client.ask("chat.send", room=room, key=key, content=content, **data)
    event = await client.take(
        lambda message: message.get("type") == "chat.message" and message.get("key") == key
    )
    message_id: str = event["data"]["id"]
    return message_id


async def test_unread_and_mentions_are_told_on_every_device(devices: Devices, grace: Guest):
    """Of a room that is open on none of them."""
    await say(devices.ada, devices.room)
    await say(devices.ada, devices.room, "Hello Grace", mentions=[grace.id])
    await devices.show(unread=2, mentions=1)


async def test_reading_on_one_device_is_seen_on_the_other(devices: Devices, grace: Guest):
    """Also where no event tells of it."""
    await say(devices.ada, devices.room, "Hello Grace", mentions=[grace.id])
    await devices.show(unread=1, mentions=1)
    await devices.first.client.ask("chat.read", room=devices.room)
    await devices.show(unread=0, mentions=0)
    assert devices.first.rooms[devices.room] == devices.second.rooms[devices.room]


async def test_a_deleted_message_is_not_unread_any_more(devices: Devices, grace: Guest):
    """Nor does it mention anybody."""
    kept = await say(devices.ada, devices.room, "Kept")
    deleted = await say(devices.ada, devices.room, "Hello Grace", mentions=[grace.id])
    await devices.show(unread=2, mentions=1)
    await devices.ada.ask("chat.delete", room=devices.room, message_id=deleted)
    await devices.show(unread=1, mentions=0)
    await devices.ada.ask(
        "chat.edit", room=devices.room, message_id=kept, content="Grace?", mentions=[grace.id]
    )
    await devices.show(unread=1, mentions=1)


async def test_who_is_put_out_loses_the_room_and_who_comes_in_gets_it(
    devices: Devices, pair: Pair, grace: Guest
):
    """Also who joined on another device, or created a room there."""
    await devices.ada.ask("member.kick", room=devices.room, user_id=grace.id)
    for inbox in (devices.first, devices.second):
        await inbox.until(lambda inbox: devices.room not in inbox.rooms)
    await devices.first.client.ask("room.join", room=devices.room)
    await devices.show(role="member", unread=0)
    own = await devices.second.client.ask("room.create", name="Own")
    for inbox in (devices.first, devices.second):
        await inbox.shows(own["id"], name="Own", role="admin")
    # And from then on the room is followed.
    await devices.second.client.ask("room.update", room=own["id"], name="Renamed")
    await devices.first.shows(own["id"], name="Renamed")


async def test_a_role_and_an_archived_room_are_told(devices: Devices, grace: Guest):
    """The entry is another one, not a second one."""
    rooms = len(devices.first.rooms)
    await devices.ada.ask("member.set_role", room=devices.room, user_id=grace.id, role="moderator")
    await devices.show(role="moderator", is_archived=False)
    await devices.ada.ask("room.update", room=devices.room, is_archived=True)
    await devices.show(role="moderator", is_archived=True)
    assert len(devices.first.rooms) == len(devices.second.rooms) == rooms


async def test_a_closed_inbox_is_quiet_and_can_be_opened_again(devices: Devices):
    """Opening it again starts over, open or not."""
    for _ in range(2):
        assert await devices.first.client.ask("inbox.close") == {}
    await say(devices.ada, devices.room)
    await devices.second.shows(devices.room, unread=1)
    again = await Inbox.open(devices.first.client)
    assert again.has(devices.room, unread=1)
    once_more = await Inbox.open(devices.first.client)
    assert once_more.has(devices.room, unread=1)
    await say(devices.ada, devices.room)
    await once_more.shows(devices.room, unread=2)


async def test_a_storm_of_messages_leads_to_few_notices(devices: Devices):
    """About one a second, however many there are."""
    said = [
        await devices.ada.say("chat.send", room=devices.room, content=str(number))
        for number in range(150)
    ]
    for command_id in said:
        await devices.ada.answer(command_id)
    await devices.show(unread=150)
    assert devices.first.notices < 15
    assert devices.second.notices < 15


async def test_markers_that_race_end_at_the_farther_one(devices: Devices):
    """Whichever device says which last."""
    for _ in range(5):
        last = await devices.ada.ask("chat.send", room=devices.room, content="Hello")
    await devices.show(unread=5)
    asked = [
        (inbox.client, await inbox.client.say("chat.read", room=devices.room, seq=seq))
        for inbox in (devices.first, devices.second)
        for seq in range(last["seq"] - 4, last["seq"] + 1)
    ]
    for client, command_id in asked:
        await client.answer(command_id)
    await devices.show(unread=0, read_up_to=last["seq"])


async def test_an_instance_that_dies_leaves_the_others_inboxes_right(
    devices: Devices, start_gateway: StartGateway, ada: Guest
):
    """Whatever it had committed last."""
    third = await start_gateway()
    async with open_socket(third.socket_url, ada.token) as of_ada:
        for _ in range(3):
            await of_ada.ask("chat.send", room=devices.room, content="Hello")
        await third.kill()
    await devices.show(unread=3)
    await say(devices.ada, devices.room)
    await devices.show(unread=4)


async def test_an_inbox_needs_somebody(pair: Pair, connect: Connect):
    """And so does closing it."""
    stranger = await connect(pair.first)
    for command in ("inbox.open", "inbox.close", "room.list"):
        with pytest.raises(Refused) as refused:
            await stranger.ask(command)
        assert refused.value.code == "unauthenticated"


# Invitations


@pytest.fixture
async def secret(pair: Pair, ada: Guest) -> str:
    """A private room of Ada's."""
    return await pair.first.new_room(ada, "Secret", is_private=True)


async def test_an_invitation_shows_in_the_inbox_and_opens_the_room(
    devices: Devices, secret: str, ada: Guest, grace: Guest
):
    """Accepted on one device, it is gone on the other, and the room is there."""
    made = await devices.ada.ask("room.invite", room=secret, user_id=grace.id)
    for inbox in (devices.first, devices.second):
        await inbox.until(lambda inbox: bool(inbox.invitations))
        [invitation] = inbox.invitations
        assert invitation == made
        assert (invitation["room"]["name"], invitation["by"]["id"]) == ("Secret", ada.id)
    for _ in range(2):
        room = await devices.first.client.ask("invitation.accept", invitation_id=made["id"])
        assert (room["id"], room["role"]) == (secret, "member")
    for inbox in (devices.first, devices.second):
        await inbox.until(lambda inbox: secret in inbox.rooms and not inbox.invitations)


async def test_a_declined_invitation_is_gone_everywhere(
    devices: Devices, secret: str, grace: Guest
):
    """It opens nothing any more; said again, it is good again."""
    made = await devices.ada.ask("room.invite", room=secret, user_id=grace.id)
    await devices.second.until(lambda inbox: bool(inbox.invitations))
    for _ in range(2):
        assert await devices.first.client.ask("invitation.decline", invitation_id=made["id"]) == {}
    await devices.second.until(lambda inbox: not inbox.invitations)
    with pytest.raises(Refused) as refused:
        await devices.first.client.ask("invitation.accept", invitation_id=made["id"])
    assert refused.value.code == "unknown_invitation"
    await devices.ada.ask("room.invite", room=secret, user_id=grace.id)
    await devices.second.until(lambda inbox: bool(inbox.invitations))


async def test_who_is_banned_loses_the_invitation(devices: Devices, secret: str, grace: Guest):
    """And gets no other before the ban ends."""
    made = await devices.ada.ask("room.invite", room=secret, user_id=grace.id)
    await devices.first.until(lambda inbox: bool(inbox.invitations))
    await devices.ada.ask("member.ban", room=secret, user_id=grace.id)
    await devices.first.until(lambda inbox: not inbox.invitations)
    for client, command, data in (
        (devices.first.client, "invitation.accept", {"invitation_id": made["id"]}),
        (devices.ada, "room.invite", {"user_id": grace.id}),
    ):
        with pytest.raises(Refused) as refused:
            await client.ask(command, room=secret if command == "room.invite" else None, **data)
        assert refused.value.code in {"unknown_invitation", "banned"}
    await devices.ada.ask("member.unban", room=secret, user_id=grace.id)
    await devices.ada.ask("room.invite", room=secret, user_id=grace.id)
    await devices.first.until(lambda inbox: bool(inbox.invitations))


async def test_who_is_put_out_needs_another_invitation(devices: Devices, secret: str, grace: Guest):
    """The one by which they came is not good twice."""
    made = await devices.ada.ask("room.invite", room=secret, user_id=grace.id)
    await devices.first.client.ask("invitation.accept", invitation_id=made["id"])
    await devices.ada.ask("member.kick", room=secret, user_id=grace.id)
    with pytest.raises(Refused) as refused:
        await devices.first.client.ask("invitation.accept", invitation_id=made["id"])
    assert refused.value.code == "unknown_invitation"


# The requests that the HTTP API has as routes


async def test_rooms_are_made_found_and_entered_over_the_socket(
    pair: Pair, connect: Connect, ada: Guest, grace: Guest
):
    """As over HTTP, with the same answers."""
    of_ada, of_grace = await connect(pair.first, ada), await connect(pair.second, grace)
    name = f"Room {uuid4().hex}"
    made = await of_ada.ask("room.create", name=name, description=" About ")
    assert made == {
        "id": made["id"],
        "name": name,
        "description": "About",
        "is_private": False,
        "role": "admin",
    }
    page = await of_grace.ask("room.directory", search=name.upper())
    assert [found["id"] for found in page["rooms"]] == [made["id"]]
    secret = await of_ada.ask("room.create", name=f"Secret {name}"[:100], is_private=True)
    link = await of_ada.ask("room.invite_link", room=secret["id"], max_uses=1)
    for _ in range(2):
        entered = await of_grace.ask("invitation.use", token=link["token"])
        assert entered == secret | {"role": "member"}
    mine = await of_grace.ask("room.list")
    assert [room["id"] for room in mine["rooms"]] == [secret["id"]]
    async with pair.first.http(grace) as http:
        assert (await http.get("/v1/rooms")).json() == mine


@pytest.mark.parametrize(
    ("command", "data", "code"),
    [
        ("room.create", {"name": "  "}, "invalid_field"),
        ("room.directory", {"after": "nonsense"}, "invalid_field"),
        ("invitation.use", {"token": "nonsense"}, "unknown_invitation"),
        ("invitation.accept", {"invitation_id": NOBODY}, "unknown_invitation"),
    ],
)
async def test_what_is_wrong_is_told_by_its_code(
    pair: Pair, connect: Connect, ada: Guest, command: str, data: dict[str, str], code: str
):
    """The one that the HTTP API tells."""
    of_ada = await connect(pair.first, ada)
    with pytest.raises(Refused) as refused:
        await of_ada.ask(command, **data)
    assert refused.value.code == code
