import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.frames import text_frame
from gateway.core.ids import Seq
from gateway.core.publication import Kind, Publication

seqs = st.integers(0, 2**63 - 1).map(Seq)
publications = st.builds(Publication, st.sampled_from(Kind), st.binary(), seqs, seqs)


@given(publications)
def test_a_publication_arrives_as_it_was_sent(publication: Publication):
    """Whatever bytes its body is made of."""
    assert Publication.decode(publication.encode()) == publication


@given(st.binary(max_size=40))
def test_bytes_of_another_program_are_refused_and_break_nothing(message: bytes):
    """Anybody with access to Redis can publish on a room's channel."""
    try:
        publication = Publication.decode(message)
    except ValueError:
        return
    assert publication.encode() == message


def test_a_message_shorter_than_the_header_is_refused():
    """Rather than read as zeroes."""
    with pytest.raises(ValueError, match="shorter than its header"):
        Publication.decode(Publication(Kind.EPHEMERAL, b"").encode()[:-1])


def test_an_unknown_kind_is_refused():
    """A newer gateway may publish what this one does not know."""
    with pytest.raises(ValueError, match="9 is not a valid Kind"):
        Publication.decode(b"\x09" + Publication(Kind.EPHEMERAL, b"").encode()[1:])


@given(st.lists(st.sampled_from([0, 1, 125, 126, 0xFFFF, 0x10000]), min_size=1), st.data())
def test_the_part_after_an_event_is_what_follows_it(sizes: list[int], data: st.DataObject):
    """Part of a publication may have been delivered by a page of the log."""
    frames = [text_frame(b"a" * size) for size in sizes]
    last = Seq(10 + len(frames))
    whole = Publication(Kind.EVENTS, b"".join(frames), Seq(11), last)
    seq = Seq(data.draw(st.integers(9, last)))
    rest = whole.after(seq)
    assert rest.body == b"".join(frames[max(0, seq - 10) :])
    assert (rest.first, rest.last) == (max(11, seq + 1), last)
