import pytest

from gateway.core.addresses import network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("local", "local"),
        ("", ""),
    ],
)
def test_an_address_stands_for_whoever_has_it(address: str, network: str):
    """With IPv6 that is a whole network; an IPv4 address in IPv6's clothes is itself."""
    assert network_of(address) == network
