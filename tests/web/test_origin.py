import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.web.origin import origin_allowed

LISTED = frozenset({"https://app.example.org"})


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (None, "parley.example.com"),
        (None, None),
        ("https://parley.example.com", "parley.example.com"),
        ("https://PARLEY.example.com", "parley.example.COM"),
        ("https://parley.example.com", "parley.example.com:443"),
        ("http://parley.example.com:80", "parley.example.com"),
        ("http://localhost:8000", "localhost:8000"),
        ("http://127.0.0.1:8000", "127.0.0.1:8000"),
        ("http://[::1]:8000", "[::1]:8000"),
        ("https://app.example.org", "parley.example.com"),
        ("https://app.example.org", None),
    ],
)
def test_a_page_of_this_host_or_of_a_listed_site_is_allowed(origin: str | None, host: str | None):
    """Also a request that no page of another site can have sent: one without an origin."""
    assert origin_allowed(origin, host, LISTED)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://evil.example", "parley.example.com"),
        ("https://parley.example.com.evil.example", "parley.example.com"),
        ("https://evilparley.example.com", "parley.example.com"),
        ("http://localhost:3000", "localhost:8000"),
        ("https://parley.example.com", "parley.example.com:8443"),
        ("http://parley.example.com:443", "parley.example.com"),
        ("http://app.example.org", "parley.example.com"),
        ("https://app.example.org:8443", "parley.example.com"),
        ("null", "null"),
        ("null", "parley.example.com"),
        ("", "parley.example.com"),
        ("https://", ""),
        ("file://", ""),
        ("https://parley.example.com:99999", "parley.example.com"),
        ("https://[::1", "[::1"),
        ("https://parley.example.com", None),
        ("chrome-extension://abc", "abc"),
    ],
)
def test_a_page_of_another_site_is_refused(origin: str, host: str | None):
    """Another name, port or scheme is another site; so is a page that hides where it is from."""
    assert not origin_allowed(origin, host, LISTED)


@given(st.text(), st.none() | st.text())
def test_no_header_however_broken_is_an_error(origin: str, host: str | None):
    """Headers are whatever somebody sends."""
    assert origin_allowed(origin, host, LISTED) in {True, False}


_names = st.from_regex(r"[a-z][a-z0-9]{0,8}(\.[a-z]{2,5}){0,2}", fullmatch=True)
_ports = st.integers(1, 65535)


@given(_names, _ports, _names, _ports, st.sampled_from(["http", "https"]))
def test_exactly_the_same_name_and_port_are_the_same_place(
    name: str, port: int, other_name: str, other_port: int, scheme: str
):
    """Whatever they are."""
    allowed = origin_allowed(f"{scheme}://{name}:{port}", f"{other_name}:{other_port}", ())
    assert allowed == ((name, port) == (other_name, other_port))
