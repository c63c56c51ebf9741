"""How often one may try: which counters an attempt counts against."""

import hashlib
import ipaddress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, NamedTuple

from gateway.backplane.throttle import counter_key
from gateway.core.ids import UserId
from gateway.core.windows import Counter

_ARRIVALS_WINDOW_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """``failures_*`` bound guessing of passwords within ``failure_window_seconds``.

    ``arrivals_per_minute`` bounds new accounts and new guests of one address;
    raise it where a whole office shares one.
    """

    session_lifetime: timedelta = timedelta(hours=24)
    failures_per_person: int = 5
    failures_per_address: int = 50
    failure_window_seconds: int = 15 * 60
    arrivals_per_minute: int = 20


class SignInCounters(NamedTuple):
    """Guesses at one account from one address, and all guesses of the address."""

    person: Counter
    address: Counter


def sign_in_counters(settings: AccountSettings, email: str, address: str) -> SignInCounters:
    """Return what a sign-in counts against.

    The account is counted per address, or anybody could lock anybody out. It
    stands in the key as a hash: no address of a person, and no long key.
    """
    network = _network(address)
    account = hashlib.sha256(email.lower().encode()).hexdigest()[:32]
    window = settings.failure_window_seconds
    return SignInCounters(
        Counter(counter_key(network, f"account:{account}"), settings.failures_per_person, window),
        Counter(counter_key(network, "sign-in"), settings.failures_per_address, window),
    )


def arrival_counter(settings: AccountSettings, address: str) -> Counter:
    """Return what registering, or coming in as a guest, counts against."""
    key = counter_key(_network(address), "arrival")
    return Counter(key, settings.arrivals_per_minute, _ARRIVALS_WINDOW_SECONDS)


def password_counter(settings: AccountSettings, user_id: UserId) -> Counter:
    """Return what asking for the old password counts against: a stolen session may guess too."""
    key = counter_key(str(user_id), "password")
    return Counter(key, settings.failures_per_person, settings.failure_window_seconds)


def _network(address: str) -> str:
    """Return whom an address stands for: with IPv6 a household has 2^64 of them (RFC 6177)."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if ip.version == 4:  # noqa: PLR2004 - the version is its own name
        return str(ip)
    return str(ipaddress.ip_network((ip, 64), strict=False))
