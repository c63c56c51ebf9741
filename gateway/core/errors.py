"""One tree for everything that can go wrong, drawn whole so it can be learnt at a glance.

::

    GatewayError
    ├── BadRequest            400  the client's message is wrong; the same again fails again
    │   ├── BadJson                not JSON, or not an object
    │   ├── BinaryFrame            a binary frame where text is spoken
    │   ├── UnknownType            no such command
    │   ├── InvalidField           a field is missing, of the wrong type or out of range
    │   └── TooLarge          413  more bytes than the limit
    ├── Unauthenticated       401  who are you?
    │   ├── InvalidCredentials     wrong e-mail or password (which one is not said)
    │   └── InvalidToken           unknown, expired or signed out
    ├── Forbidden             403  you may not
    │   ├── NotAMember             of this room
    │   ├── Muted                  in this room, for the time being
    │   ├── Banned                 from this room
    │   └── OriginNotAllowed       this web page may not use this gateway
    ├── NotFound              404
    │   ├── UnknownRoom
    │   ├── UnknownMessage         of this room
    │   ├── UnknownMember          of this room
    │   ├── UnknownPerson
    │   ├── UnknownInvitation      or expired, or used up
    │   └── UnknownSession         none of yours
    ├── Conflict              409  not in this state
    │   ├── InvalidState           the rules of the activity forbid it now
    │   ├── LastAdmin              a room has at least one
    │   ├── AlreadyAuthenticated
    │   ├── EmailTaken
    │   └── UsernameTaken
    ├── RateLimited           429  too fast; retryable
    ├── Unavailable           503  retryable: a part the command needs is away
    │   ├── DatabaseUnavailable
    │   ├── BackplaneUnavailable
    │   ├── IdentityProviderUnavailable
    │   ├── Overloaded             a bounded queue is full
    │   └── Draining               this instance is shutting down
    └── InternalError         500  a fault of ours, logged with its trace

    ConfigurationError             wrong settings, at start; never seen by a client
    MigrationError                 the schema cannot be changed as asked; at start or by command
    ServiceDied                    a part of the gateway ended by itself; restart the process

Each leaf carries its wire ``code`` (stable, documented in ``docs/errors.md``),
the HTTP status, and whether the same request may succeed later
(``retryable``). Drivers' errors stop at their adapter, which raises one of
these ``from`` them.
"""

from collections.abc import Iterator
from typing import ClassVar


class GatewayError(Exception):
    """Something a client is told about: a code, a sentence, and whether to try again."""

    code: ClassVar[str]
    http_status: ClassVar[int]
    retryable: ClassVar[bool] = False

    def __init__(self, message: str) -> None:
        """``message`` is one plain sentence for people; it holds no secret and no hidden vote."""
        super().__init__(message)
        self.message = message


class BadRequest(GatewayError):
    """The request itself is wrong; sending it again will not help."""

    code = "bad_request"
    http_status = 400


class BadJson(BadRequest):
    """The text is not a JSON object."""

    code = "bad_json"


class BinaryFrame(BadRequest):
    """A binary frame arrived; the protocol is JSON text."""

    code = "binary_frame"


class UnknownType(BadRequest):
    """The command's ``type`` names nothing this gateway knows."""

    code = "unknown_type"


class InvalidField(BadRequest):
    """A field is missing, of the wrong type, or out of its range; the message names it."""

    code = "invalid_field"


class TooLarge(BadRequest):
    """More bytes than the limit, which the message states."""

    code = "too_large"
    http_status = 413


class Unauthenticated(GatewayError):
    """Nobody has signed in on this connection or request."""

    code = "unauthenticated"
    http_status = 401


class InvalidCredentials(Unauthenticated):
    """Wrong e-mail or password; which of the two is deliberately not said."""

    code = "invalid_credentials"


class InvalidToken(Unauthenticated):
    """The token is unknown, expired or signed out."""

    code = "invalid_token"


class Forbidden(GatewayError):
    """The person is known and may not do this."""

    code = "forbidden"
    http_status = 403


class NotAMember(Forbidden):
    """The command needs membership of the room."""

    code = "not_a_member"


class Muted(Forbidden):
    """The person may read in this room, and not say anything for the time being."""

    code = "muted"


class Banned(Forbidden):
    """The person was put out of this room and may not come back."""

    code = "banned"


class OriginNotAllowed(Forbidden):
    """A web page of another site tried to use this gateway with its visitor's cookie."""

    code = "origin_not_allowed"


class NotFound(GatewayError):
    """What the request names does not exist, or not for this person."""

    code = "not_found"
    http_status = 404


class UnknownRoom(NotFound):
    """No such room, or a private one the person is not in: the answer is the same."""

    code = "unknown_room"


class UnknownMessage(NotFound):
    """No such message in this room."""

    code = "unknown_message"


class UnknownMember(NotFound):
    """The person meant is not a member of this room."""

    code = "unknown_member"


class UnknownPerson(NotFound):
    """No such person."""

    code = "unknown_person"


class UnknownInvitation(NotFound):
    """No such invitation, or it has expired or been used up."""

    code = "unknown_invitation"


class UnknownSession(NotFound):
    """No such sign-in session among this person's, or it has ended."""

    code = "unknown_session"


class Conflict(GatewayError):
    """The request was right and the state was not."""

    code = "conflict"
    http_status = 409


class InvalidState(Conflict):
    """The rules of the activity forbid this command now."""

    code = "invalid_state"


class LastAdmin(Conflict):
    """The room's only admin cannot leave or stop being one: make somebody else admin first."""

    code = "last_admin"


class AlreadyAuthenticated(Conflict):
    """The connection has signed in already."""

    code = "already_authenticated"


class EmailTaken(Conflict):
    """Another account has this e-mail address (compared without regard to case)."""

    code = "email_taken"


class UsernameTaken(Conflict):
    """Another account has this username."""

    code = "username_taken"


class RateLimited(GatewayError):
    """Too many requests; the same one may pass later."""

    code = "rate_limited"
    http_status = 429
    retryable = True

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        """``retry_after_seconds`` becomes the ``Retry-After`` header of an HTTP answer."""
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class Unavailable(GatewayError):
    """A part the request needs is away for the moment."""

    code = "unavailable"
    http_status = 503
    retryable = True


class DatabaseUnavailable(Unavailable):
    """PostgreSQL does not answer."""

    code = "database_unavailable"


class BackplaneUnavailable(Unavailable):
    """Redis does not answer."""

    code = "backplane_unavailable"


class IdentityProviderUnavailable(Unavailable):
    """The service whose tokens are accepted does not tell its keys (``JWT_JWKS_URL``)."""

    code = "identity_provider_unavailable"


class Overloaded(Unavailable):
    """A bounded queue is full; nothing was done."""

    code = "overloaded"


class Draining(Unavailable):
    """This instance is shutting down; another one will serve you."""

    code = "draining"


class InternalError(GatewayError):
    """A fault of the gateway's own. The details are in its log, not on the wire."""

    code = "internal_error"
    http_status = 500


def error_classes(base: type[GatewayError] = GatewayError) -> Iterator[type[GatewayError]]:
    """Yield every class that has a code of its own; those of tests and clients are not ours."""
    for error in base.__subclasses__():
        if "code" in vars(error) and error.__module__ == GatewayError.__module__:
            yield error
        yield from error_classes(error)


class ConfigurationError(Exception):
    """A setting is wrong; the message names the variable, the problem and an example."""


class MigrationError(Exception):
    """The schema cannot be changed as asked; the message names the file and the reason."""


class ServiceDied(Exception):
    """A part of the gateway ended by itself; the message names it."""
