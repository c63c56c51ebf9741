"""Why the gateway closes a connection, as WebSocket close codes (RFC 6455, section 7.4).

The range says what the client should do, so it need not know each code:

==========  ===============================================================
4000–4099   come back at once (with jitter) and resume
4100–4199   come back after a delay
4200–4299   do not come back as you are: something must change first
==========  ===============================================================
"""

import enum


class CloseCode(enum.IntEnum):
    """The codes of this gateway, and the standard ones it uses."""

    NORMAL = 1000
    """The client said goodbye."""

    NOT_UTF8 = 1007
    """A text frame did not hold text (RFC 6455, section 8.1)."""

    MESSAGE_TOO_BIG = 1009
    """A message beyond the hard limit, which cannot be skipped and answered."""

    HEARTBEAT_LOST = 4001
    """Nothing was heard for longer than two heartbeats."""

    SLOW_READER = 4010
    """The client did not read what it was sent."""

    NEW_EPOCH = 4011
    """The room's log is another one (a backup was restored); you get a snapshot."""

    DRAINING = 4020
    """This instance is shutting down; another one serves you."""

    TOO_MANY_CONNECTIONS = 4100
    """You have too many connections to this instance open."""

    UNAVAILABLE = 4101
    """A part that this connection needs is away for the moment; an error notice says which."""

    SIGN_IN_TIMEOUT = 4200
    """Nobody signed in within the time that ``welcome`` told."""

    SESSION_ENDED = 4201
    """The session has ended: signed out, revoked, by a changed password, or its time is over."""

    TOO_MANY_ERRORS = 4202
    """The client keeps sending what cannot be understood, or too fast."""
