"""Who reads slowly loses nothing and harms nobody."""

from tests.support.gateway_process import GatewayProcess, Guest
from tests.support.socket_client import SocketClient, open_socket

Pair = tuple[GatewayProcess, GatewayProcess]

MESSAGES = 180
CONTENT = "x" * 7_900
"""Together far more than the buffers between the two sides hold."""


async def test_a_slow_reader_gets_everything_in_order_when_it_reads_again(
    pair: Pair, ada: Guest, grace: Guest, room: str
):
    """Promise P5: parked meanwhile, then fed from the log, and told how it stands now."""
    slow = await SocketClient.open(
        pair[1].socket_url, token=grace.token, receive_buffer_bytes=64 * 1024
    )
    await slow.ask("room.join", room=room)
    async with open_socket(pair[0].socket_url, ada.token) as of_ada:
        await of_ada.ask("room.join", room=room)
        said = [
            await of_ada.say("chat.send", room=room, content=f"{number} {CONTENT}")
            for number in range(MESSAGES)
        ]
        seqs = [(await of_ada.answer(command_id))["seq"] for command_id in said]
        heard = [await slow.event("chat.message", room) for _ in seqs]
        assert [event["seq"] for event in heard] == seqs
        behind = await slow.take(lambda message: message.get("type") == "behind")
        assert {person["id"] for person in behind["data"]["people"]} == {ada.id, grace.id}
        ok = await of_ada.ask("chat.send", room=room, content="And on")
        assert (await slow.event("chat.message", room))["seq"] == ok["seq"]
        await slow.ask("ping")
    await slow.close()
