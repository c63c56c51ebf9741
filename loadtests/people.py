"""The people and their rooms: from a seed, or made over the HTTP API as anybody would."""

import http.client
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from gevent.pool import Pool

AT_A_TIME = 16
"""HTTP connections that are used side by side."""

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody signed in."""

    id: str
    token: str


def read_people(file: Path) -> tuple[list[Guest], list[str]]:
    """Return the people and the ids of the rooms that ``seeding.seed_people`` wrote down."""
    people = json.loads(file.read_text())
    return [Guest(*guest) for guest in people["guests"]], people["rooms"]


class Api:
    """The HTTP API of one instance, over a few connections that stay open."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._idle = [http.client.HTTPConnection(*address, timeout=60) for _ in range(AT_A_TIME)]

    def new_guests(self, count: int) -> list[Guest]:
        """Let so many people in."""
        return self._make(self._new_guest, range(count))

    def new_rooms(self, names: list[str], owners: list[Guest]) -> list[str]:
        """Make a public room for each of these owners and return the ids."""
        pairs = list(zip(names, owners, strict=True))
        return self._make(lambda pair: self._new_room(*pair), pairs)

    def close(self) -> None:
        """Close the connections."""
        for connection in self._idle:
            connection.close()

    def _new_guest(self, number: int) -> Guest:
        body = self._post("/v1/auth/guest", {"name": f"Guest {number}"})
        return Guest(body["user"]["id"], body["token"])

    def _new_room(self, name: str, owner: Guest) -> str:
        return str(self._post("/v1/rooms", {"name": name}, owner.token)["id"])

    def _make(self, make: Callable[[Any], Made], of: Any) -> list[Made]:  # noqa: ANN401
        # As many greenlets as connections, so one is always idle.
        return list(Pool(AT_A_TIME).map(make, of))

    def _post(self, path: str, body: object, token: str | None = None) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        connection = self._idle.pop()
        try:
            connection.request("POST", path, json.dumps(body), headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            self._idle.append(connection)
        if answer.status != 201:
            raise RuntimeError(f"POST {path}: {answer.status} {content.decode()}")
        return dict(json.loads(content))
