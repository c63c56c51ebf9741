"""Who is speaking."""

from dataclasses import dataclass, field

from gateway.core.ids import SessionId, UserId
from gateway.core.protocol.base import PersonHere


@dataclass(frozen=True, slots=True)
class Identity:
    """A signed-in person, registered or guest, and the session they came with.

    Whoever came with a token of another service has no session of the
    gateway's; ``session_id`` then stands for that token in the same way.
    """

    user_id: UserId
    name: str
    avatar_url: str | None
    is_guest: bool
    session_id: SessionId
    external_until: float | None = None
    """When another service's token ends (Unix time); ``None`` with a session of the gateway's."""

    person: PersonHere = field(init=False, repr=False, compare=False)
    """The person as others see them: one object, since it is part of every message sent.

    Where a message has a ``Person``, the status is left out.
    """

    def __post_init__(self) -> None:
        person = PersonHere(id=self.user_id, name=self.name, avatar_url=self.avatar_url)
        object.__setattr__(self, "person", person)
