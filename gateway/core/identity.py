"""Who is speaking."""

from dataclasses import dataclass

from gateway.core.ids import SessionId, UserId
from gateway.core.protocol.base import Person


@dataclass(frozen=True, slots=True)
class Identity:
    """A signed-in person, registered or guest, and the session they came with."""

    user_id: UserId
    name: str
    avatar_url: str | None
    is_guest: bool
    session_id: SessionId

    @property
    def person(self) -> Person:
        """The person as others see them."""
        return Person(id=self.user_id, name=self.name, avatar_url=self.avatar_url)
