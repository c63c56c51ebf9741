import pytest
from hypothesis import given
from hypothesis import strategies as st

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
