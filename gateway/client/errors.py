"""What can go wrong for a program that uses the client.

::

    ClientError
    ├── GatewayUnreachable   nothing answers at the address
    ├── CommandError         the gateway refused: code, message, retryable
    ├── NoAnswer             no answer in time; a durable command may have had its effect
    └── ConnectionEnded      the gateway does not want this connection back as it is
"""


class ClientError(Exception):
    """Any failure of the client; the text is one sentence for people."""


class GatewayUnreachable(ClientError):
    """Nothing that speaks HTTP answers at the address."""


class CommandError(ClientError):
    """The gateway refused a command or a request.

    ``code`` is one of ``docs/errors.md``, and ``retryable`` tells whether the
    same command may succeed later.
    """

    def __init__(self, code: str, message: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retryable = retryable


class NoAnswer(ClientError):
    """No answer came in time.

    Whether a durable command had its effect is not known. Giving it again with
    the same ``key`` is safe: it has one effect at most.
    """


class ConnectionEnded(ClientError):
    """The gateway closed the connection for good; ``close_code`` tells why.

    It is ``None`` where the opening handshake was refused already.
    """

    def __init__(self, close_code: int | None, message: str) -> None:
        super().__init__(message)
        self.close_code = close_code
