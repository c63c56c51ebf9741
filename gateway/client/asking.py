"""Commands that are given until they are answered, whatever breaks meanwhile."""

import asyncio
import random
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from gateway.client.connection import Connection
from gateway.client.errors import ClientError, CommandError, NoAnswer
from gateway.client.socket import ConnectionLost
from gateway.client.wire import Command
from gateway.core.backoff import backoff_seconds

QUESTION_SECONDS: Final = 10.0
"""How long a question is asked again until it is answered: who asks waits for it."""

_Answer = TypeVar("_Answer", bound=BaseModel)


async def until_answered(
    connection: Connection, command: Command, answer_type: type[_Answer], within_seconds: float
) -> _Answer:
    """Give a command, again over lost connections and passing errors, and return its answer.

    It must be one that may be given twice: a question, or one whose key keeps
    its effect single. Raises ``NoAnswer``, or the refusal, when the time is over,
    and at once what the gateway refuses for good.
    """
    refusal: CommandError | None = None
    failures = 0
    try:
        async with asyncio.timeout(within_seconds):
            while True:
                try:
                    return answer_type.model_validate(await connection.call(command))
                except ConnectionLost:
                    continue  # the call waits for the next connection by itself
                except ValidationError as error:
                    raise ClientError("What the gateway says cannot be understood.") from error
                except CommandError as error:
                    if not error.retryable:
                        raise
                    refusal = error
                failures += 1
                await asyncio.sleep(backoff_seconds(failures, random.random()))  # noqa: S311
    except TimeoutError:
        raise refusal or NoAnswer(f"No answer came within {within_seconds:g} s.") from None
