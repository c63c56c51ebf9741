"""How often one may try: which counters an attempt counts against."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, NamedTuple

from gateway.backplane.throttle import counter_key
from gateway.core.addresses import network_of
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
    network = network_of(address)
    account = hashlib.sha256(email.lower().encode()).hexdigest()[:32]
    window = settings.failure_window_seconds
    return SignInCounters(
        Counter(counter_key(network, f"account:{account}"), settings.failures_per_person, window),
        Counter(counter_key(network, "sign-in"), settings.failures_per_address, window),
    )


def arrival_counter(settings: AccountSettings, address: str) -> Counter:
    """Return what registering, or coming in as a guest, counts against."""
    key = counter_key(network_of(address), "arrival")
    return Counter(key, settings.arrivals_per_minute, _ARRIVALS_WINDOW_SECONDS)


def password_counter(settings: AccountSettings, user_id: UserId) -> Counter:
    """Return what asking for the old password counts against: a stolen session may guess too."""
    key = counter_key(str(user_id), "password")
    return Counter(key, settings.failures_per_person, settings.failure_window_seconds)
