import hashlib

from hypothesis import given
from hypothesis import strategies as st

from gateway.activities.accounts.tokens import TOKEN_BYTES, encode_token, hash_token


@given(st.binary(min_size=TOKEN_BYTES, max_size=TOKEN_BYTES))
def test_a_token_is_43_characters_that_need_no_escaping_in_a_url_or_cookie(random_bytes: bytes):
    """All of the randomness is in it, in the URL-safe alphabet."""
    token = encode_token(random_bytes)
    assert len(token) == 43
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_different_randomness_gives_different_tokens(one: bytes, other: bytes):
    """No bit of the randomness is thrown away."""
    assert (encode_token(one) == encode_token(other)) == (one == other)


def test_what_is_stored_is_the_sha256_of_the_token():
    """Another program can compute it: hexadecimal, 64 characters."""
    assert hash_token("abc") == hashlib.sha256(b"abc").hexdigest()


@given(st.text())
def test_any_text_that_somebody_sends_as_a_token_has_a_hash(text: str):
    """A nonsense token is unknown, and no error."""
    assert len(hash_token(text)) == 64
