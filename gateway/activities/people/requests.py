"""Questions about people over WebSocket; the HTTP API asks the same service."""

from collections.abc import Mapping

from gateway.activities.activity import Request
from gateway.activities.people.messages import PeopleView, PersonGet, PersonList, PersonView
from gateway.activities.people.service import People
from gateway.core.identity import Identity
from gateway.core.ids import UserId
from gateway.core.protocol.base import Command


def requests(people: People) -> Mapping[type[Command], Request]:
    """Return who answers which of them."""

    async def get(_actor: Identity, command: PersonGet) -> PersonView:
        return await people.get(UserId(command.data.user_id))

    async def find(_actor: Identity, command: PersonList) -> PeopleView:
        return PeopleView(people=await people.find(map(UserId, command.data.user_ids)))

    return {PersonGet: get, PersonList: find}
