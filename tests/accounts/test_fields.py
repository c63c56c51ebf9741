import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.activities.accounts import fields
from gateway.core.errors import InvalidField


@pytest.mark.parametrize(
    ("typed", "cleaned"),
    [
        (" ada@example.com ", "ada@example.com"),
        ("Ada.Lovelace+x@Example.COM", "Ada.Lovelace+x@Example.COM"),
        ("用户@例子.公司", "用户@例子.公司"),
    ],
)
def test_an_email_address_is_trimmed_and_otherwise_kept(typed: str, cleaned: str):
    """How somebody writes an address is theirs; comparing ignores case elsewhere."""
    assert fields.clean_email(typed) == cleaned


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "ada",
        "@example.com",
        "ada@",
        "a@b@c",
        "a b@c.d",
        "a\0@b.c",
        "a\n@b.c",
        "a" * 250 + "@b.com",
    ],
)
def test_what_is_no_email_address_is_refused_by_name(typed: str):
    """The error names the field."""
    with pytest.raises(InvalidField, match="email"):
        fields.clean_email(typed)


@pytest.mark.parametrize("typed", ["ab", "x" * 51, "a\0b", "a\tb", "a\u202eb", "   ", "a\ud800b"])
def test_a_username_that_is_too_short_too_long_or_not_plain_is_refused(typed: str):
    """Control characters, surrogates and characters that turn the text around are no name."""
    with pytest.raises(InvalidField, match="username"):
        fields.clean_username(typed)


@pytest.mark.parametrize("name", ["Ada Lovelace", "زهرا", "👩\u200d💻 Grace", "O'Brien", "李小龍"])
def test_names_of_the_world_are_welcome(name: str):
    """Spaces, scripts and emoji are names, joined emoji too."""
    assert fields.clean_username(name) == name


def test_a_name_of_joiners_alone_is_no_name():
    """It would be invisible."""
    with pytest.raises(InvalidField, match="name"):
        fields.clean_guest_name("\u200d\u200d")


def test_one_name_has_one_spelling():
    """Composed and decomposed letters look alike and are the same name."""
    assert fields.clean_username("Zoe\u0308") == fields.clean_username("Zo\u00eb")


@pytest.mark.parametrize("typed", ["short12", "x" * 257, "secret\0secret", "secret\nsecret"])
def test_a_password_too_short_too_long_or_with_control_characters_is_refused(typed: str):
    """The error names the field that the caller gave, and never quotes the password."""
    with pytest.raises(InvalidField, match="new_password") as caught:
        fields.clean_password(typed, "new_password")
    assert typed not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "/ada.png",
        "https://",
        "https://a b/",
        "https://[",
        "https://x/" + "y" * 500,
    ],
)
def test_an_avatar_is_an_address_on_the_web(url: str):
    """Nothing that a browser would run, and nothing that does not fit."""
    with pytest.raises(InvalidField, match="avatar_url"):
        fields.clean_avatar_url(url)


def test_a_good_avatar_and_none_are_kept():
    """A picture is optional."""
    assert fields.clean_avatar_url("https://example.com/a.png") == "https://example.com/a.png"
    assert fields.clean_avatar_url(None) is None


def test_a_guest_gets_a_name_close_to_the_wanted_one():
    """The wanted name comes first, then small numbers, then one that nobody has."""
    assert fields.guest_name_candidates("Ada", "7f3a09c1") == (
        "Ada",
        "Ada 2",
        "Ada 3",
        "Ada 4",
        "Ada 7f3a09c1",
    )


@given(st.text(min_size=1, max_size=50).filter(lambda name: name.strip() == name))
def test_every_name_for_a_guest_fits_and_no_two_are_equal(name: str):
    """A long name is cut to make room for its number."""
    candidates = fields.guest_name_candidates(name, "7f3a09c1")
    assert all(len(candidate) <= fields.MAX_NAME for candidate in candidates)
    assert len(set(candidates)) == len(candidates)
