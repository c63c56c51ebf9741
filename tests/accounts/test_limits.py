from gateway.activities.accounts.limits import (
    AccountSettings,
    arrival_counter,
    sign_in_counters,
)

SETTINGS = AccountSettings()


def test_the_counters_of_a_sign_in_are_in_one_place_of_a_redis_cluster():
    """Their keys share the hash tag: the part in braces."""
    person, address = sign_in_counters(SETTINGS, "ada@example.com", "192.0.2.1")
    assert person.key != address.key
    assert person.key.partition("}")[0] == address.key.partition("}")[0] == "throttle:{192.0.2.1"


def test_an_account_is_one_whatever_the_case_and_unreadable_in_the_key():
    """Redis's monitor shows nobody's address."""
    one, _ = sign_in_counters(SETTINGS, "ada@example.com", "192.0.2.1")
    same, _ = sign_in_counters(SETTINGS, "Ada@EXAMPLE.com", "192.0.2.1")
    other, _ = sign_in_counters(SETTINGS, "bob@example.com", "192.0.2.1")
    assert one == same != other
    assert "ada" not in one.key


def test_an_address_stands_for_its_household():
    """IPv4 for itself, IPv6 for its /64, and whatever is no address for itself."""
    keys = [
        arrival_counter(SETTINGS, address).key
        for address in ("192.0.2.1", "2001:db8::1", "2001:db8::ffff", "2001:db8:0:1::1", "local")
    ]
    assert keys == [
        "throttle:{192.0.2.1}:arrival",
        "throttle:{2001:db8::/64}:arrival",
        "throttle:{2001:db8::/64}:arrival",
        "throttle:{2001:db8:0:1::/64}:arrival",
        "throttle:{local}:arrival",
    ]
