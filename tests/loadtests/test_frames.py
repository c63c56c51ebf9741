import pytest
from websockets.frames import Frame, Opcode
from websockets.server import ServerProtocol

from loadtests.frames import ProtocolError, client_frame, split_frames, upgrade_request


def server_frame(size: int) -> bytes:
    """Return a frame of websockets' own making."""
    return Frame(Opcode.TEXT, b"x" * size).serialize(mask=False)


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_frames_of_every_length_are_split(size: int):
    """Three frames of websockets' own making, and a rest."""
    octets = server_frame(size)
    frames, rest = split_frames(octets * 3 + octets[:1])
    assert frames == [(1, b"x" * size)] * 3
    assert rest == octets[:1]


@pytest.mark.parametrize("size", [3, 300, 70_000])
def test_a_frame_waits_for_its_end(size: int):
    """However it is cut within its first octets or before its last: nothing, until it is whole."""
    octets = server_frame(size)
    for cut in (*range(4), len(octets) - 1):
        assert split_frames(octets[:cut]) == ([], octets[:cut])


def test_a_message_in_parts_is_refused():
    """The gateway never sends one, so this client does not put them together."""
    with pytest.raises(ProtocolError):
        split_frames(Frame(Opcode.TEXT, b"x", fin=False).serialize(mask=False))


def test_websockets_takes_what_this_client_sends():
    """The handshake and frames of both lengths, read by a real server's protocol."""
    server = ServerProtocol(subprotocols=["parley.v1"])  # type: ignore[list-item]
    server.receive_data(upgrade_request("127.0.0.1", "secret"))
    (request,) = server.events_received()
    assert request.headers["Authorization"] == "Bearer secret"  # type: ignore[union-attr]
    answer = server.accept(request)  # type: ignore[arg-type]
    assert (answer.status_code, answer.headers["Sec-WebSocket-Protocol"]) == (101, "parley.v1")
    server.send_response(answer)
    server.receive_data(client_frame(b"short") + client_frame(b"x" * 1000))
    assert [frame.data for frame in server.events_received()] == [b"short", b"x" * 1000]  # type: ignore[union-attr]
