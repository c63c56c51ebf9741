from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.terminal_people import MAX_PEOPLE, People
from gateway.client import Person

NAMESPACE = UUID("6f9619ff-8b86-4011-b42d-00cf4fc964ff")


def person(name: str) -> Person:
    """Return somebody of this name."""
    return Person(id=uuid5(NAMESPACE, name), name=name)


ANN, ANN_LEE, GRACE = person("Ann"), person("Ann Lee"), person("Grace")


def some_people() -> People:
    """Return three people, two of whom begin alike."""
    people = People()
    people.meet([ANN, ANN_LEE, GRACE])
    return people


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Grace", GRACE),
        ("@grace", GRACE),
        ("gr", GRACE),
        ("Ann", ANN),
        ("ann lee", ANN_LEE),
        ("an", None),
        ("Bob", None),
    ],
)
def test_a_name_or_its_beginning_finds_one_person(name: str, found: Person | None):
    """Whole names win; a beginning must be one person's alone."""
    assert some_people().find(name) == (found.id if found else None)


def test_a_whole_name_is_no_beginning_of_another():
    """Where who was seen are not all there are, a beginning would not be safe."""
    people = some_people()
    assert people.find_whole("@ann lee") == ANN_LEE.id
    assert people.find_whole("gr") is None


@pytest.mark.parametrize(
    ("text", "mentioned"),
    [
        ("hello @grace, look", (GRACE,)),
        ("(@Ann)", (ANN,)),
        ("@Ann Lee and @Grace!", (ANN_LEE, GRACE)),
        ("@Ann Lee, @Ann", (ANN_LEE, ANN)),
        ("@Annabel, mail@grace", ()),
        ("Grace", ()),
    ],
)
def test_names_after_an_at_sign_are_mentions(text: str, mentioned: tuple[Person, ...]):
    """A name inside a longer one, or inside another word, is none."""
    assert some_people().mentioned(text) == tuple(person.id for person in mentioned)


def test_who_was_never_met_is_somebody():
    """The gateway may name people whom the terminal has not seen."""
    people = some_people()
    assert (people.name(None), people.name(NAMESPACE)) == ("somebody", "somebody")
    assert people.name(GRACE.id) == "Grace"


def test_only_so_many_are_remembered():
    """A terminal in a big room does not grow for ever."""
    people = some_people()
    people.meet(person(str(number)) for number in range(MAX_PEOPLE))
    assert people.find("Grace") is None
    assert people.find(str(MAX_PEOPLE - 1)) is not None


@given(st.text(), st.text(min_size=1))
def test_any_name_and_any_text_are_no_error(text: str, name: str):
    """Names are what people choose, brackets and stars included."""
    people = People()
    people.meet([person(name)])
    people.find(text)
    people.mentioned(text)
