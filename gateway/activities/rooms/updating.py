"""Changing a room itself, as the ledger writes it."""

from gateway.activities.activity import Context, Outcome
from gateway.activities.rooms import fields, rules
from gateway.activities.rooms.messages import RoomUpdate, RoomUpdated
from gateway.storage.generated import audit as audit_queries
from gateway.storage.generated import members as member_queries
from gateway.storage.generated import rooms as room_queries


async def update_room(context: Context, command: RoomUpdate) -> Outcome:
    """Change what is named; what is so already changes nothing."""
    rules.require_admin(context.require_member())
    room = await room_queries.get_room(context.conn, room_id=context.room.id)
    assert room is not None  # noqa: S101 - it is locked
    data = command.data
    before = RoomUpdated(
        name=room.name,
        description=room.description,
        is_archived=room.is_archived,
        retention_days=room.retention_days,
    )
    now = RoomUpdated(
        name=before.name if data.name is None else fields.clean_name(data.name),
        description=(
            before.description
            if data.description is None
            else fields.clean_description(data.description)
        ),
        is_archived=before.is_archived if data.is_archived is None else data.is_archived,
        retention_days=(
            before.retention_days if data.retention_days is None else data.retention_days or None
        ),
    )
    if now == before:
        return Outcome(())
    await member_queries.update_room(
        context.conn,
        room_id=context.room.id,
        name=now.name,
        description=now.description,
        is_archived=now.is_archived,
        retention_days=now.retention_days,
        updated_at=context.now,
    )
    if (now.is_archived, now.retention_days) != (before.is_archived, before.retention_days):
        await audit_queries.record_action(
            context.conn,
            action="update_room",
            entity_type="room",
            entity_id=str(context.room.id),
            user_id=str(context.actor.user_id),
            details={"is_archived": now.is_archived, "retention_days": now.retention_days},
        )
    return Outcome((now,), is_archived=now.is_archived)
