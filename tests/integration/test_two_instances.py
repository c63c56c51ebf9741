"""The main job: people on two instances see each other, talk and decide."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.support.gateway_process import GatewayProcess, Guest
from tests.support.socket_client import Message, SocketClient

Connect = Callable[[GatewayProcess, Guest], Awaitable[SocketClient]]
Both = tuple[SocketClient, SocketClient]
Pair = tuple[GatewayProcess, GatewayProcess]

GHOST_SECONDS = 15.0
"""Promise P7."""


@pytest.fixture
async def both(pair: Pair, connect: Connect, ada: Guest, grace: Guest, room: str) -> Both:
    """Ada on the first instance and Grace on the second, both in the room and aware of it."""
    of_ada, of_grace = await connect(pair[0], ada), await connect(pair[1], grace)
    await of_ada.ask("room.join", room=room)
    await of_grace.ask("room.join", room=room)
    await told_of(of_ada, room, set(), {ada.id, grace.id})
    return of_ada, of_grace


def ids(people: list[Message]) -> set[str]:
    """Return the ids of people on the wire."""
    return {person["id"] for person in people}


async def told_of(client: SocketClient, room: str, present: set[str], wanted: set[str]) -> None:
    """Follow who is here, from ``present`` until it is ``wanted``, without a detour.

    Nobody goes who is wanted, and nobody is told to come who is here already.
    """
    while present != wanted:
        change = (await client.event("presence.changed", room))["data"]
        joined, left = ids(change["joined"]), set(change["left"])
        assert not joined & present
        assert left <= present - wanted
        present = (present | joined) - left
        assert change["count"] == len(present)


async def test_whoever_joins_is_seen_on_the_other_instance(
    pair: Pair, connect: Connect, ada: Guest, grace: Guest, room: str
):
    """And sees who is there already; the membership itself is an event of the log."""
    of_ada = await connect(pair[0], ada)
    state = await of_ada.ask("room.join", room=room)
    assert (state["room"]["id"], state["room"]["role"]) == (room, "admin")
    of_grace = await connect(pair[1], grace)
    state = await of_grace.ask("room.join", room=room)
    assert ids(state["people"]) == {ada.id, grace.id}
    assert state["room"]["role"] == "member"
    joined = await of_ada.event("member.joined", room)
    assert joined["data"]["user"]["id"] == grace.id
    assert joined["seq"] == state["position"]["seq"]
    change = await of_ada.event("presence.changed", room, count=2)
    assert grace.id in ids(change["data"]["joined"])


async def test_a_message_reaches_both_instances_as_the_same_event(
    both: Both, ada: Guest, room: str
):
    """The sender gets its own like everybody, and knows it by its key."""
    of_ada, of_grace = both
    ok = await of_ada.ask("chat.send", room=room, key="k1", content="Good morning ☀")
    seen = [await client.event("chat.message", room) for client in both]
    assert seen[0] == seen[1]
    assert seen[0]["data"]["content"] == "Good morning ☀"
    assert seen[0]["data"]["author"]["id"] == seen[0]["by"] == ada.id
    assert (seen[0]["seq"], seen[0]["at"], seen[0]["key"]) == (ok["seq"], ok["at"], "k1")
    reply = await of_grace.ask("chat.send", room=room, content="Good morning")
    assert reply["seq"] == ok["seq"] + 1
    assert (await of_ada.event("chat.message", room))["seq"] == reply["seq"]


async def test_everybody_sees_one_order_however_many_talk_at_once(both: Both, room: str):
    """From both instances at the same time; no number is missing and none comes twice."""
    said = [
        (client, await client.say("chat.send", room=room, content=f"{name} {number}"))
        for number in range(50)
        for name, client in zip("ag", both, strict=True)
    ]
    for client, command_id in said:
        await client.answer(command_id)
    orders = [[await client.event("chat.message", room) for _ in range(100)] for client in both]
    assert orders[0] == orders[1]
    first = orders[0][0]["seq"]
    assert [event["seq"] for event in orders[0]] == [*range(first, first + 100)]
    for name in "ag":
        own = [e["data"]["content"] for e in orders[0] if e["data"]["content"].startswith(name)]
        assert own == [f"{name} {number}" for number in range(50)]


async def test_a_command_repeated_on_another_instance_has_one_effect(
    pair: Pair, connect: Connect, both: Both, ada: Guest, room: str
):
    """As a client does that lost its connection before the reply."""
    ok = await both[0].ask("chat.send", room=room, key="once", content="Hello")
    again = await connect(pair[1], ada)
    assert await again.ask("chat.send", room=room, key="once", content="Hello") == ok
    after = await both[0].ask("chat.send", room=room, content="And on")
    assert after["seq"] == ok["seq"] + 1


@pytest.mark.slow
async def test_who_types_is_seen_until_they_stop_or_six_seconds_are_over(
    both: Both, ada: Guest, room: str
):
    """Nobody types for ever whose connection forgot to say that it stopped."""
    of_ada, of_grace = both
    await of_ada.ask("typing.start", room=room)
    assert ids((await of_grace.event("typing.changed", room))["data"]["users"]) == {ada.id}
    await of_ada.ask("typing.stop", room=room)
    await of_grace.event("typing.changed", room, users=[])
    await of_ada.ask("typing.start", room=room)
    assert ids((await of_grace.event("typing.changed", room))["data"]["users"]) == {ada.id}
    async with asyncio.timeout(8):
        await of_grace.event("typing.changed", room, users=[])


async def test_a_vote_is_hidden_from_everybody_until_the_reveal(
    pair: Pair, connect: Connect, both: Both, ada: Guest, grace: Guest, room: str
):
    """Every byte that anybody was sent, and the logs, hold no card but those of the deck."""
    of_ada, of_grace = both
    hopper = await pair[0].new_guest("Hopper")
    await of_ada.ask("poker.start", room=room, title="Sign-in page")
    started = await of_grace.event("poker.started", room)
    await of_ada.ask("poker.vote", room=room, card="½")
    await of_grace.ask("poker.vote", room=room, card="☕", story_id=started["data"]["story"]["id"])
    voted = await of_ada.event("poker.voted", room, voted=2)
    assert voted["data"]["player"]["id"] == grace.id
    late = await connect(pair[1], hopper)
    state = await late.ask("room.join", room=room)
    table = state["poker"]
    assert ids(table["voted"]) == {ada.id, grace.id}
    assert (table["votes"], table["statistics"], table["your_card"]) == (None, None, None)
    again = await connect(pair[1], hopper)
    position = state["position"] | {"seq": 0}
    assert (await again.ask("room.join", room=room, since=position))["resume"] == "replay"
    await again.event("poker.voted", room, voted=2)
    deck = json.dumps(table["deck"], ensure_ascii=False, separators=(",", ":"))
    for client in (of_ada, of_grace, late, again):
        assert_no_cards(client.received.decode("utf-8", "replace").replace(deck, ""))
    for gateway in pair:
        assert_no_cards((await everything_by_http(gateway, ada, room)).replace(deck, ""))
    tab = await connect(pair[1], ada)
    assert (await tab.ask("room.join", room=room))["poker"]["your_card"] == "½"

    await of_ada.ask("poker.reveal", room=room)
    for client in (of_ada, of_grace, late):
        revealed = (await client.event("poker.revealed", room))["data"]
        cards = {vote["player"]["id"]: vote["card"] for vote in revealed["votes"]}
        assert cards == {ada.id: "½", grace.id: "☕"}
        assert (revealed["statistics"]["votes"], revealed["statistics"]["average"]) == (2, 0.5)
    for gateway in pair:
        assert_no_cards(await asyncio.to_thread(gateway.log.read_text))


def assert_no_cards(text: str) -> None:
    """Raise when one of the two cards is in there, plain or escaped."""
    for card in ("½", "☕"):
        assert card not in text
        assert json.dumps(card).strip('"') not in text.lower()


async def everything_by_http(gateway: GatewayProcess, guest: Guest, room: str) -> str:
    """Return every answer that the HTTP API has for the admin of the room who asks about it."""
    async with gateway.http(guest) as http:
        paths = (await http.get("/openapi.json")).json()["paths"]
        routes = [path for path, operations in paths.items() if "get" in operations]
        about_room = [path for path in routes if set(re.findall(r"{(.+?)}", path)) <= {"room_id"}]
        assert {"/v1/rooms/{room_id}", "/v1/rooms/{room_id}/export"} <= set(about_room)
        asked = {"/v1/people": {"ids": guest.id}, "/v1/rooms/{room_id}/search": {"q": "story"}}
        answers = [
            await http.get(path.format(room_id=room), params=asked.get(path)) for path in about_room
        ]
    assert [answer.url for answer in answers if not answer.is_success] == []
    return "".join(answer.text for answer in answers)


async def test_who_joins_late_gets_the_whole_state(
    pair: Pair, connect: Connect, both: Both, ada: Guest, grace: Guest, room: str
):
    """Who is here, who types, the last messages, the cards on the table; then live events."""
    of_ada, of_grace = both
    for number in range(3):
        await of_ada.ask("chat.send", room=room, content=f"Message {number}")
    await of_ada.ask("poker.start", room=room, title="Sign-in page")
    await of_grace.ask("poker.vote", room=room, card="5")
    revealed = await of_ada.ask("poker.reveal", room=room)
    await of_grace.ask("typing.start", room=room)
    await of_ada.event("typing.changed", room)
    hopper = await pair[0].new_guest("Hopper")
    late = await connect(pair[0], hopper)
    state = await late.ask("room.join", room=room)
    assert state["resume"] == "snapshot"
    assert [m["content"] for m in state["chat"]["messages"]] == [f"Message {n}" for n in range(3)]
    assert not state["chat"]["has_more"]
    assert ids(state["people"]) == {ada.id, grace.id, hopper.id}
    assert ids(state["typing"]) == {grace.id}
    assert [vote["card"] for vote in state["poker"]["votes"]] == ["5"]
    assert state["poker"]["statistics"]["consensus"]
    assert state["position"]["seq"] == revealed["seq"] + 1  # Hopper's own arrival
    ok = await of_ada.ask("chat.send", room=room, content="Welcome")
    assert ok["seq"] == state["position"]["seq"] + 1
    assert (await late.event("chat.message", room))["seq"] == ok["seq"]


async def test_who_comes_back_gets_exactly_what_they_missed_on_either_instance(
    pair: Pair, connect: Connect, both: Both, grace: Guest, room: str
):
    """The same events as those who stayed; or is told that there is nothing, or starts over."""
    of_ada, of_grace = both
    await of_ada.ask("chat.send", room=room, content="Before")
    since = (await of_grace.ask("room.join", room=room))["position"]
    await of_grace.abort()
    live = []
    for number in range(3):
        await of_ada.ask("chat.send", room=room, content=f"Missed {number}")
        content = f"Missed {number}"
        live.append(await of_ada.event("chat.message", room, content=content))
    for gateway in pair:
        back = await connect(gateway, grace)
        reply = await back.ask("room.join", room=room, since=since)
        assert reply["resume"] == "replay"
        assert [await back.event("chat.message", room) for _ in live] == live
        now = {"epoch": since["epoch"], "seq": live[-1]["seq"]}
        assert reply["position"] == now
        again = await back.ask("room.join", room=room, since=now)
        assert again["resume"] == "up_to_date"
        ahead = {"epoch": since["epoch"], "seq": 2**53 - 1}
        assert (await back.ask("room.join", room=room, since=ahead))["resume"] == "snapshot"
    ok = await of_ada.ask("chat.send", room=room, content="And on")
    assert (await back.event("chat.message", room))["seq"] == ok["seq"]


async def test_who_leaves_is_gone_at_once_and_hears_no_more(both: Both, grace: Guest, room: str):
    """The connection stays, and so does the membership."""
    of_ada, of_grace = both
    await of_grace.ask("room.leave", room=room)
    left = await of_ada.event("presence.changed", room, count=1)
    assert left["data"]["left"] == [grace.id]
    await of_ada.ask("chat.send", room=room, content="Only to myself")
    await of_ada.event("chat.message", room)
    await of_grace.ask("ping")
    assert b"Only to myself" not in of_grace.received
    state = await of_grace.ask("room.join", room=room)
    assert state["chat"]["messages"][-1]["content"] == "Only to myself"


async def test_several_tabs_are_one_person(
    pair: Pair, connect: Connect, both: Both, ada: Guest, grace: Guest, room: str
):
    """On one instance or on two: the first makes them come, and the last makes them go."""
    of_ada, of_grace = both
    tabs = [await connect(gateway, grace) for gateway in pair]
    for tab in tabs:
        state = await tab.ask("room.join", room=room)
        assert sorted(person["id"] for person in state["people"]) == sorted([ada.id, grace.id])
    await of_grace.close()
    await tabs[0].ask("room.leave", room=room)
    hopper = await pair[0].new_guest("Hopper")
    await (await connect(pair[1], hopper)).ask("room.join", room=room)
    here = {ada.id, grace.id}
    await told_of(of_ada, room, here, here | {hopper.id})
    await tabs[1].ask("room.leave", room=room)
    await told_of(of_ada, room, here | {hopper.id}, {ada.id, hopper.id})


async def test_a_reload_is_not_told_to_the_others(
    pair: Pair, connect: Connect, both: Both, ada: Guest, grace: Guest, room: str
):
    """A connection that breaks and is back soon, even on another instance, does not flicker."""
    of_ada, of_grace = both
    await of_grace.abort()
    await (await connect(pair[0], grace)).ask("room.join", room=room)
    hopper = await pair[0].new_guest("Hopper")
    await (await connect(pair[1], hopper)).ask("room.join", room=room)
    here = {ada.id, grace.id}
    await told_of(of_ada, room, here, here | {hopper.id})


@pytest.mark.slow
async def test_the_people_of_a_killed_instance_are_gone_within_fifteen_seconds(
    pair: Pair,
    start_gateway: Callable[..., Awaitable[GatewayProcess]],
    connect: Connect,
    ada: Guest,
    grace: Guest,
    room: str,
):
    """Promise P7; the messages they sent are there, and who had a tab elsewhere stays."""
    doomed = await start_gateway()
    of_ada = await connect(pair[0], ada)
    await of_ada.ask("room.join", room=room)
    hopper = await pair[0].new_guest("Hopper")
    of_hopper: Any = await connect(doomed, hopper)
    for client in (of_hopper, await connect(doomed, grace), await connect(pair[1], grace)):
        await client.ask("room.join", room=room)
    await told_of(of_ada, room, set(), {ada.id, grace.id, hopper.id})
    await of_hopper.ask("chat.send", room=room, content="My last words")
    await doomed.kill()
    async with asyncio.timeout(GHOST_SECONDS):
        await told_of(of_ada, room, {ada.id, grace.id, hopper.id}, {ada.id, grace.id})
    assert (await of_ada.event("chat.message", room))["data"]["content"] == "My last words"
