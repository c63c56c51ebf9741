"""What people type about themselves: cleaned, or refused with the field's name (pure)."""

import unicodedata
from typing import Final
from urllib.parse import urlsplit

from gateway.core.errors import InvalidField
from gateway.core.text import JOINERS, is_plain

MAX_EMAIL: Final = 255
MIN_USERNAME: Final = 3
MAX_NAME: Final = 50
"""Characters in a username or a guest's name (``users.username``)."""
MIN_PASSWORD: Final = 8
MAX_PASSWORD: Final = 256
"""Characters in a password. Long passphrases are welcome; megabytes to hash are not."""
MAX_AVATAR_URL: Final = 500
MAX_USER_AGENT: Final = 255
"""Characters of a program's name for itself that are kept; browsers need about 120."""


def clean_email(text: str) -> str:
    """Return an e-mail address: something, one ``@``, something.

    Whether it exists, only a message to it can tell; a stricter pattern would
    refuse addresses that work.
    """
    email = text.strip()
    local, _, domain = email.partition("@")
    if not local or not domain or "@" in domain:
        raise _wrong("email", "an e-mail address looks like name@example.com")
    if len(email) > MAX_EMAIL:
        raise _wrong("email", f"at most {MAX_EMAIL} characters")
    if not is_plain(email) or any(character.isspace() for character in email):
        raise _wrong("email", "no spaces and no control characters")
    return email


def clean_username(text: str) -> str:
    """Return the name of a registered person, trimmed and in one spelling."""
    return _clean_name("username", text, minimum=MIN_USERNAME)


def clean_guest_name(text: str) -> str:
    """Return the name that a guest wants, trimmed and in one spelling."""
    return _clean_name("name", text, minimum=1)


def clean_password(text: str, field: str = "password") -> str:
    """Return a new password in one spelling. Spaces count and are kept."""
    password = normalize_password(text)
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise _wrong(field, f"{MIN_PASSWORD} to {MAX_PASSWORD} characters")
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in password):
        raise _wrong(field, "no control characters")
    return password


def normalize_password(text: str) -> str:
    """Return the password's composed spelling (NFC), as RFC 8265, section 4.2, has it.

    Keyboards differ in how they write "é", and the person does not know.
    """
    return unicodedata.normalize("NFC", text)


def clean_avatar_url(text: str | None) -> str | None:
    """Return the address of a picture; only the web's schemes, so that no script hides in it."""
    if text is None:
        return None
    try:
        parts = urlsplit(text)
    except ValueError:
        raise _wrong("avatar_url", "an address like https://example.com/ada.png") from None
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise _wrong("avatar_url", "an address like https://example.com/ada.png")
    if len(text) > MAX_AVATAR_URL or not text.isprintable() or " " in text:
        raise _wrong("avatar_url", f"at most {MAX_AVATAR_URL} printable characters")
    return text


def clean_user_agent(text: str | None) -> str | None:
    """Return what a program calls itself, cut to what is worth keeping; never refused."""
    return "".join(filter(str.isprintable, text or ""))[:MAX_USER_AGENT] or None


def guest_name_candidates(name: str, random_hex: str) -> tuple[str, ...]:
    """Return the names to try for a guest, the wanted one first, each fit to be a username.

    Small numbers read well ("Ada 2"); where many guests share a name, the last
    one ends the search: ``random_hex`` makes it unique ("Ada 7f3a09c1").
    """
    suffixes = ("", " 2", " 3", " 4", f" {random_hex}")
    return tuple(name[: MAX_NAME - len(suffix)].rstrip() + suffix for suffix in suffixes)


def _clean_name(field: str, text: str, *, minimum: int) -> str:
    name = unicodedata.normalize("NFC", text.strip())
    if not minimum <= len(name) <= MAX_NAME:
        raise _wrong(field, f"{minimum} to {MAX_NAME} characters")
    if not is_plain(name) or not name.strip(JOINERS):
        raise _wrong(field, "no control characters")
    return name


def _wrong(field: str, expected: str) -> InvalidField:
    return InvalidField(f'The field "{field}" is wrong: {expected}.')
