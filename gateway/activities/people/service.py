"""People, as anybody who has signed in may see them."""

from collections.abc import Iterable

from gateway.activities.people.messages import MAX_ASKED, PersonView
from gateway.core.errors import InvalidField, UnknownPerson
from gateway.core.ids import UserId
from gateway.storage.database import Database
from gateway.storage.generated import people as people_queries


class People:
    """Tells about people. Any method may raise ``DatabaseUnavailable``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, user_id: UserId) -> PersonView:
        """Return a person, or raise ``UnknownPerson``."""
        people = await self.find([user_id])
        if not people:
            raise UnknownPerson("There is no such person.")
        return people[0]

    async def find(self, user_ids: Iterable[UserId]) -> tuple[PersonView, ...]:
        """Return those of ``MAX_ASKED`` people at most that there are; ``InvalidField``."""
        asked = set(user_ids)
        if len(asked) > MAX_ASKED:
            raise InvalidField(f"At most {MAX_ASKED} people can be asked about at once.")
        async with self._database.connection() as conn:
            rows = await people_queries.find_people(conn, user_ids=list(asked))
        return tuple(
            PersonView(
                id=row.id,
                name=row.username,
                avatar_url=row.avatar_url,
                is_online=row.is_online,
                last_seen=row.last_seen,
            )
            for row in rows
        )
