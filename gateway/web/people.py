"""Routes for people: who they are, and whether they are there."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query

from gateway.activities.people.messages import PeopleView, PersonView
from gateway.core.errors import InvalidField, InvalidToken, UnknownPerson
from gateway.core.ids import UserId
from gateway.web.dependencies import Actor, ServicesDep
from gateway.web.errors import documented

router = APIRouter(tags=["people"])

MAX_IDS_LENGTH: Final = 8 * 1024
"""Of ``ids`` in a URL: a hundred ids take less than half of it."""


@router.get("/people/{user_id}", responses=documented(InvalidField, InvalidToken, UnknownPerson))
async def read_person(user_id: UUID, _actor: Actor, services: ServicesDep) -> PersonView:
    """Tell whether somebody is connected, and when they were last."""
    return await services.people.get(UserId(user_id))


@router.get("/people", responses=documented(InvalidField, InvalidToken))
async def list_people(
    _actor: Actor,
    services: ServicesDep,
    ids: Annotated[
        str, Query(max_length=MAX_IDS_LENGTH, description="Who: ids with commas between them.")
    ] = "",
) -> PeopleView:
    """Tell the same of a hundred people at most. Who does not exist is left out."""
    return PeopleView(people=await services.people.find(_ids(ids)))


def _ids(text: str) -> list[UserId]:
    try:
        return [UserId(UUID(part)) for part in text.split(",") if part]
    except ValueError:
        raise InvalidField('The field "ids" is wrong: ids with commas between them.') from None
